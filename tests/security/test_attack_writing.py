"""Attacks that write where they may not: each is looked for on the host afterwards."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox import bwrap, docker, objects, paths, worktree
from coder_sandbox.choose import open_sandbox
from coder_sandbox.contract import Limits, Sandbox
from coder_sandbox.faults import SnapshotError
from coder_sandbox.safe_files import directory, remove
from coder_tools import workspace as tool_workspace
from coder_tools.toolbox import Toolbox
from coder_tools.workspace import ToolError, Workspace

TOKEN = f"coder-test-{os.getpid()}"
WRITE = """
import json, os, sys
written = []
for place in sys.argv[1:]:
    try:
        with open(place, 'a') as file: file.write('owned')
        written.append(place)
    except OSError: pass
print(json.dumps(written))
"""


def written(box: Sandbox, attack: Any, *names: str) -> list[str]:
    """Which of these files of the host's the code inside says it has written."""
    top = box.workspace.worktree.parent
    return [str(Path(p).relative_to(top)) for p in attack(box, WRITE, *(top / name for name in names))]


def owned(box: Sandbox) -> list[str]:
    """Which files of the host's have been written, as the host sees it; the worktree is the attacker's."""
    top = box.workspace.worktree.parent
    files = [p for p in top.rglob("*") if p.is_file() and box.workspace.worktree not in p.parents]
    return sorted(str(p.relative_to(top)) for p in files if "owned" in p.read_text())


def clean(box: Sandbox) -> None:
    top = box.workspace.worktree.parent
    for name in owned(box):
        (top / name).write_text((top / name).read_text().replace("owned", ""))


def both(box: Sandbox, door: Sandbox, attack: Any, *names: str) -> None:
    """None of these can be written; all of them could, were the profile not what it is."""
    written(box, attack, *names)
    assert owned(box) == []
    assert written(door, attack, *names) == list(names)
    assert owned(door) == sorted(names)
    clean(door)


def test_01_write_to_the_users_checkout_by_absolute_path(box: Sandbox, door: Sandbox, attack: Any) -> None:
    both(box, door, attack, "checkout/file", "checkout/new.py")
    inside = box.workspace.inside
    assert attack(box, WRITE, inside / "from-inside") == [str(inside / "from-inside")]
    assert not (inside / "from-inside").exists() and (box.workspace.worktree / "from-inside").exists()


def test_02_write_to_the_home_directory(box: Sandbox, door: Sandbox, attack: Any) -> None:
    names = (
        "home/.bashrc",
        "home/.profile",
        "home/.gitconfig",
        "home/.ssh/authorized_keys",
        "home/.config/pip/pip.conf",
    )
    both(box, door, attack, *names)
    assert attack(box, WRITE, Path.home() / f".{TOKEN}") == []
    assert not (Path.home() / f".{TOKEN}").exists()


def test_03_write_to_the_interpreter_so_that_it_runs_on_the_host_later(
    box: Sandbox, door: Sandbox, attack: Any
) -> None:
    both(box, door, attack, "tool/lib/evil.pth", "tool/lib/sitecustomize.py", "tool/lib/x.py")
    code = "import json, os, sys; print(json.dumps([sys.base_prefix, sys.prefix, os.path.dirname(os.__file__)]))"
    for place in attack(box, code):
        assert attack(box, WRITE, f"{place}/{TOKEN}.pth") == []
        assert not Path(place, f"{TOKEN}.pth").exists()


def test_04_write_to_the_systems_directories(box: Sandbox, kind: str, attack: Any) -> None:
    """Switched off this would change the machine of whoever runs the tests: the profile is looked at instead."""
    places = (
        "/",
        "/usr",
        "/usr/lib",
        "/usr/local",
        "/etc",
        "/dev",
        "/sys",
        "/root",
        "/home",
        "/var",
        "/run",
        "/coder-agent",
    )
    code = WRITE.replace("'a'", "'r+'")
    assert attack(box, WRITE, *(f"{place.rstrip('/')}/{TOKEN}" for place in places)) == []
    assert attack(box, code, "/etc/passwd", "/etc/hosts", "/coder-agent/main.py", "/usr/bin/env") == []
    assert [place for place in places if Path(place, TOKEN).exists()] == []
    assert attack(box, WRITE, f"/tmp/{TOKEN}") and not Path(f"/tmp/{TOKEN}").exists()
    workspace, limits = box.workspace, Limits()
    if kind == "bwrap":
        options = list(bwrap.profile(workspace, limits, lambda _: 9))
        assert [o[2] for o in options if o[0] in ("--bind", "--dev-bind", "--bind-try")] == [str(workspace.inside)]
        assert ("--remount-ro", "/") in options
    else:
        arguments = docker.profile(workspace, limits, docker.Content("image", ()))
        assert arguments["read_only"] is True
        assert [m["Target"] for m in arguments["mounts"] if not m["ReadOnly"]] == [str(workspace.inside)]


_narrow_bind = docker._bind


def test_04_write_through_a_file_system_mounted_below_a_read_only_directory(
    as_root: None, tmp_path: Path, box: Sandbox, kind: str, monkeypatch: pytest.MonkeyPatch, attack: Any
) -> None:
    """A plain read-only bind of Docker's leaves such a file system writable; that is the control."""
    from coder_sandbox.contract import Mount

    below = tmp_path / "tool" / "a b"
    below.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=777", "coder-test", below], check=True)
    try:
        (below / "file").write_text("mine")
        (below / "file").chmod(0o666)
        work = dataclasses.replace(
            box.workspace, mounts=(*box.workspace.mounts, Mount(tmp_path / "tool", Path("/opt/tool")))
        )
        for control in (False, True) if kind == "docker" else (False,):
            if control:
                monkeypatch.setattr(docker, "_with_mounts_below", lambda *bind: [bind])
                monkeypatch.setattr(docker, "_bind", lambda *bind: {**_narrow_bind(*bind), "BindOptions": {}})
            opened = open_sandbox(kind, work, Limits())  # type: ignore[arg-type]
            try:
                assert opened.run(["cat", "/opt/tool/a b/file"], timeout=10).stdout == "mine"
                assert bool(attack(opened, WRITE, "/opt/tool/a b/new")) is control
            finally:
                opened.close()
            assert (below / "new").exists() is control
    finally:
        subprocess.run(["umount", "-l", below], check=True)


# --- through the edit tools and the worktree


def toolbox(root: Path, links: Mapping[str, str]) -> tuple[Toolbox, dict[str, bytes | None]]:
    """The tools over a tree with `a.py` and links in it, and the change set that they fill."""
    content = {"a.py": b"a = 1\n", **{name: target.encode() for name, target in links.items()}}
    changes: dict[str, bytes | None] = {}
    return Toolbox(Workspace(content.__getitem__, list(content), changes, lambda _: ""), {}), changes


def fill(place: Path, changes: Mapping[str, bytes | None], links: Mapping[str, str]) -> None:
    """The worktree as coder makes it of a base with these links, and the changes."""
    wanted = {name: objects.entry_of(target.encode(), objects.LINK) for name, target in links.items()}
    changed = paths.checked(changes, wanted, {})
    data = {**{name: target.encode() for name, target in links.items()}, **changed}
    wanted |= {p: objects.entry_of(d, objects.FILE) for p, d in changed.items() if d is not None}
    worktree.fill(place, wanted, lambda path: data[path] or b"")


def test_05_edit_through_a_symlink_that_points_out(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/b.py").write_text("mine = 1\n")
    (tmp_path / "tree").mkdir()
    links = {"link.py": "../outside/b.py", "dir": "../outside"}
    tools, changes = toolbox(tmp_path, links)
    tools.run("edit_file", {"path": "link.py", "search": "../outside/b.py", "replace": "owned = 1"})
    tools.run("create_file", {"path": "dir/new.py", "content": "owned = 1\n"})
    for change in ({**changes}, {"link.py": b"owned"}, {"dir/new.py": b"owned"}):
        with pytest.raises(SnapshotError):
            if not change:
                raise SnapshotError("the tools have refused it already")
            fill(tmp_path / "tree", change, links)
    assert sorted(p.name for p in (tmp_path / "outside").iterdir()) == ["b.py"]
    assert (tmp_path / "outside/b.py").read_text() == "mine = 1\n"
    # control: written as anybody would, it goes through
    fill(tmp_path / "tree", {}, links)
    (tmp_path / "tree/link.py").write_text("owned")
    (tmp_path / "tree/dir/new.py").write_text("owned")
    assert (tmp_path / "outside/b.py").read_text() == (tmp_path / "outside/new.py").read_text() == "owned"


class Swapper:
    """Puts a link to `outside` in the place of `tree/d` right before the n-th system call with a name."""

    CALLS = ("open", "stat", "lstat", "mkdir", "rmdir", "unlink", "rename", "symlink", "listdir", "readlink", "fchmod")

    def __init__(self, tree: Path, outside: Path) -> None:
        self._tree, self._outside, self._left = tree, outside, 0
        self._real = {name: getattr(os, name) for name in self.CALLS}

    def run(self, at: int, step: Callable[[], None]) -> bool:
        """Do `step` with the swap at its `at`-th call; False if it does not make so many."""
        self._left = at
        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(OSError):
            for name in self.CALLS:
                patch.setattr(os, name, functools.partial(self._call, name))
            step()
        return self._left <= 0

    def _call(self, name: str, *args: Any, **options: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            with contextlib.suppress(OSError):
                self._real["rename"](self._tree / "d", self._tree / f"aside{os.urandom(4).hex()}")
            with contextlib.suppress(OSError):
                self._real["symlink"](self._outside, self._tree / "d")
        return self._real[name](*args, **options)


def test_06_a_directory_replaced_by_a_symlink_between_check_and_use(tmp_path: Path) -> None:
    """At every instant there is: before each system call that names a file."""
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    swapper = Swapper(tree, outside)

    def hit(step: Callable[[], None]) -> list[bool]:
        """Of each instant, whether the swap there made the step reach out of the tree."""
        found: list[bool] = []
        while True:
            for place in (outside, tree / "d"):
                place.mkdir(parents=True)
                (place / "f").write_text("mine")
            done = not swapper.run(len(found) + 1, step)
            found.append(sorted((p.name, p.read_text()) for p in outside.iterdir()) != [("f", "mine")])
            remove_all(tmp_path)
            if done:
                return found

    def by_name() -> None:
        place = tree / "d"
        if not stat.S_ISLNK(os.lstat(place).st_mode):
            os.close(os.open(place / "f", os.O_WRONLY | os.O_TRUNC))

    safe = hit(lambda: fill(tree, {"d/f": b"1", "d/new": b"2"}, {}))
    assert len(safe) > 10 and not any(safe)
    assert not any(hit(lambda: remove_all(tree)))
    assert hit(by_name) == [False, True, False]  # control: a check, and then the use


def remove_all(place: Path) -> None:
    for path in place.iterdir():
        with directory(place) as handle:
            remove(handle, path.name)


def test_07_a_hard_link_to_a_file_of_the_host(box: Sandbox, door: Sandbox, attack: Any) -> None:
    code = """
import json, os, sys
made = []
for source in sys.argv[3:]:
    for place in sys.argv[1:3]:
        try: os.link(source, place + '/hard'); made.append(source); os.remove(place + '/hard')
        except OSError: pass
print(json.dumps(made))
"""
    for tried, expected in ((box, []), (door, ["checkout/file", "home/.ssh/id_ed25519"])):
        top = tried.workspace.worktree.parent
        sources = [top / "checkout/file", top / "home/.ssh/id_ed25519", top / "tool/lib/none", "/etc/passwd"]
        places = (tried.workspace.inside, tried.workspace.worktree)
        assert attack(tried, code, *places, *sources) == [str(top / name) for name in expected]
        assert all(p.stat().st_nlink == 1 for p in top.rglob("*") if p.is_file())


HOSTILE_NAMES = [
    *("../evil", "a/../../evil", "/etc/evil", "~/evil", "a\0b", "a\nb", "a\rb", "x" * 300, "d/" * 2500 + "x"),
    *("..", ".", "", ".git/config", ".GIT/config", "sub/.Git/hooks/post-checkout", "git~1/config", ".git"),
    *("C:evil", "..\\evil", "a//b", ".g\u200cit/config", "\ufeff.git/config", ".git. /config", "a\\.GIT/config"),
    *(".git::$INDEX_ALLOCATION/config", "GIT~1/config", "sub/.git:x/hooks/y"),
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=lambda name: repr(name)[:20])
def test_08_names_that_lead_out_or_lie(name: str, tmp_path: Path) -> None:
    """Some are plain names here ("C:evil", one with a line break): those land in the tree, and nowhere else."""
    (tmp_path / "tree").mkdir()
    tools, changes = toolbox(tmp_path, {})
    tools.run("create_file", {"path": name, "content": "owned\n"})
    for path in {name, *changes}:
        with contextlib.suppress(SnapshotError):
            fill(tmp_path / "tree", {path: b"owned"}, {})
    assert [p.name for p in tmp_path.iterdir()] == ["tree"]
    landed = [str(p).lower().replace("\u200c", "") for p in (tmp_path / "tree").rglob("*")]
    assert not any(".git" in path or "git~1" in path for path in landed)


def test_08_control_without_the_checks_a_name_leads_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tree").mkdir()
    with pytest.raises(ToolError):
        tool_workspace.contained("../evil")
    monkeypatch.setattr(paths, "path_fault", lambda path: "")
    fill(tmp_path / "tree", {"../evil": b"owned"}, {})
    assert (tmp_path / "evil").read_bytes() == b"owned"


LEAVE = """
import os, socket
os.mkfifo('pipe')
socket.socket(socket.AF_UNIX).bind('socket')
for name in ('null', 'disk'):
    try: os.mknod(name, 0o60666, os.makedev(8, 0))
    except OSError: pass
print('true')
"""
LEAVE_BEHIND = """
import os
open('locked', 'w').close(); os.chmod('locked', 0)
os.system('chattr +i locked 2>/dev/null')
os.makedirs('shut/below'); os.chmod('shut/below', 0); os.chmod('shut', 0)
here = os.open('.', os.O_RDONLY)
for _ in range(DEPTH):
    os.mkdir('d', dir_fd=here)
    here, before = os.open('d', os.O_RDONLY, dir_fd=here), here
    os.close(before)
print('true')
"""


def littered(box: Sandbox, attack: Any, code: str) -> Path:
    """A directory of the worktree in which code inside has left what annoys."""
    place = box.workspace.worktree / "litter"
    place.mkdir()
    place.chmod(0o777)
    assert attack(box, f"import os; os.chdir('litter'){code}")
    return place


def test_09_a_fifo_a_socket_or_a_device_where_the_host_reads(box: Sandbox, attack: Any) -> None:
    place = littered(box, attack, LEAVE)
    kinds = {stat.S_IFMT(p.lstat().st_mode) for p in place.iterdir()}
    assert kinds == {stat.S_IFIFO, stat.S_IFSOCK}  # no device was made
    with pytest.raises(subprocess.TimeoutExpired):  # control: read as anybody would, the pipe hangs
        subprocess.run(["cat", place / "pipe"], timeout=0.5)
    fill(place, {"pipe": b"1", "socket": b"2"}, {})
    assert {p.name: p.read_bytes() for p in place.iterdir()} == {"pipe": b"1", "socket": b"2"}
    remove_all(place.parent)


def test_10_what_cannot_be_removed_is_removed(box: Sandbox, attack: Any) -> None:
    """5,000 deep once: to take each directory away takes the file system a millisecond or two."""
    depth = 5000 if box.name == "bwrap" else 2200
    place = littered(box, attack, LEAVE_BEHIND.replace("DEPTH", str(depth)))
    with pytest.raises(OSError, match="too long"):  # control: no path leads to its end
        os.lstat(place / ("d/" * depth))
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):  # control: for an ordinary user there is no way in
            list((place / "shut").iterdir())
    remove_all(place.parent)
    assert list(place.parent.iterdir()) == []


FILL = """
import ctypes, mmap, os, socket, sys, time
way, kept = sys.argv[1], []
def big(name='big'):
    file = open(name, 'wb')
    for _ in range(5): file.write(b'x' * (1 << 20))
    file.flush()
    return file
def nameless():
    file = big(); os.unlink('big')
    return file
def mapped():
    with open('big', 'wb+') as file:
        for _ in range(5): file.write(b'x' * (1 << 20))
        file.flush(); os.unlink('big')
        kept.append(mmap.mmap(file.fileno(), 4096))
def in_flight():
    one, other = socket.socketpair()
    with nameless() as file: socket.send_fds(one, [b'x'], [file.fileno()])
    kept.extend((one, other))
def in_a_thread():
    libc, stack = ctypes.CDLL(None), ctypes.create_string_buffer(1 << 16)
    libc.clone.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_int, ctypes.c_void_p]
    with nameless():  # CLONE_VM, FS, SIGHAND, THREAD and not FILES: a thread with a copy of the descriptors
        top = (ctypes.addressof(stack) + (1 << 16)) & ~15
        if libc.clone(ctypes.cast(libc.pause, ctypes.c_void_p), top, 0x10b00, None) < 0:
            os.write(1, b'refused'); os._exit(0)
    kept.append(stack)
def many():
    os.makedirs('many', exist_ok=True)
    for number in range(300): open(f'many/{len(kept)}-{number}', 'w').close()
os.mkdir('shut', 0o300)
if way == 'undumpable': ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
ways = {'bytes': lambda: big(f'big{len(kept)}'), 'nameless': nameless, 'shut': lambda: big(f'shut/{len(kept)}'),
    'undumpable': nameless, 'mapped': mapped, 'in flight': in_flight, 'thread': in_a_thread, 'files': many}
for _ in range(8):
    kept.append(ways[way]())
if len(sys.argv) < 3: time.sleep(30)
os.write(1, b'filled'); os._exit(0)
"""
SEEN = ("bytes", "nameless", "shut", "files")
HIDDEN = ("undumpable", "mapped", "in flight", "thread")


@pytest.fixture(scope="module")
def roomy(kind: str, host: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with the usual quotas and a worktree of its own."""
    work = dataclasses.replace(host.workspace, worktree=tmp_path_factory.mktemp("roomy"))
    opened = open_sandbox(kind, work, Limits())  # type: ignore[arg-type]
    yield opened
    opened.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system where nobody else frees meanwhile what an attack takes: one of its own where it can be mounted,
    else a directory of one that few use."""
    with contextlib.ExitStack() as stack:
        own = tmp_path.with_name(f"{tmp_path.name}-own")
        own.mkdir()
        if (
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m", "tmpfs", own], capture_output=True).returncode
            == 0
        ):
            stack.callback(subprocess.run, ["umount", "--lazy", own], check=True)
            tmp_path = own
        elif os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 100 << 20:
            tmp_path = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm")))
        tmp_path.chmod(0o777)
        yield tmp_path


@pytest.mark.xdist_group("disk")
@pytest.mark.parametrize("way", [*SEEN, *HIDDEN])
def test_11_filling_the_disk(way: str, kind: str, host: Any, tmp_path: Path, small_disk: Path, roomy: Sandbox) -> None:
    """In small: the quota is 20 MB and 1500 files. What is over is ended, and the next use of the tree is clean."""
    tree = small_disk if way in HIDDEN else tmp_path
    work = dataclasses.replace(host.workspace, worktree=tree)
    opened = open_sandbox(kind, work, Limits(worktree_mb=20, worktree_files=1500))  # type: ignore[arg-type]
    refused = kind == "bwrap" and way == "thread"  # by the filter of system calls
    try:
        done = opened.run([str(work.python), "-c", FILL, way], timeout=60)
    finally:
        opened.close()
    assert (done.killed_by, done.stdout, done.stderr) == ((None, "refused", "") if refused else ("disk", "", ""))
    assert sum(p.lstat().st_blocks * 512 for p in tree.rglob("*")) < 60 << 20
    remove_all(tree)
    if not refused:  # control
        done = roomy.run([str(work.python), "-c", FILL, way, "and end"], timeout=60)
        assert (done.killed_by, done.stdout) == (None, "filled"), done.stderr
        remove_all(roomy.workspace.worktree)


def test_11_filling_the_temporary_directory(box: Sandbox, attack: Any, host: Any) -> None:
    code = """
import errno, json, os
failed = []
for place in ('/tmp', '/dev/shm'):
    try:
        with open(place + '/big', 'wb') as file:
            for _ in range(70): file.write(b'x' * (1 << 20))
    except OSError as error: failed.append(errno.errorcode[error.errno])
    finally: os.remove(place + '/big')
print(json.dumps(failed))
"""
    assert attack(box, code) == ["ENOSPC"] * 2
    work = dataclasses.replace(host.workspace)
    opened = open_sandbox(box.name, work, Limits(tmp_mb=128))  # type: ignore[arg-type]
    try:
        assert attack(opened, code) == []  # control
    finally:
        opened.close()


def test_no_setuid_program_of_the_sandbox_is_in_reach_of_other_users(box: Sandbox, tmp_path: Path) -> None:
    """Code inside may set the bit on its own files. The run's directory lets nobody else near them, and coder never
    copies a mode out."""
    from coder.record.store import RunStore

    box.run(["sh", "-c", "cp /usr/bin/env evil; chmod 6755 evil"], timeout=10)
    run = RunStore(tmp_path / "home").create(tmp_path, "", {})
    try:
        assert stat.S_IMODE(run.path.stat().st_mode) == 0o700
        (run.path / "work").mkdir()
        shutil.copy2(box.workspace.worktree / "evil", run.path / "work/evil")
        fill(run.path / "work", {"evil": b"#!/bin/sh\n"}, {})
        assert stat.S_IMODE((run.path / "work/evil").stat().st_mode) == 0o644
    finally:
        run.close()
    if os.geteuid() == 0:
        done = subprocess.run(["ls", run.path / "work"], user="nobody", capture_output=True, check=False)
        assert done.returncode != 0
