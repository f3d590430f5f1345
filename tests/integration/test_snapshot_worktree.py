"""Checkouts: exact, put back whatever hostile code did in them, removed without a trace; and the patch."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from coder_sandbox import worktree as worktree_module
from coder_sandbox.snapshot import Base, SnapshotError

FILES = {"a.py": "a = 1\n", "pkg/b.py": "b = 1\n", "pkg/deep/c.py": "c = 1\n", "run.sh": "#!/bin/sh\n"}


@pytest.fixture
def repo(make_repo):
    root = make_repo(FILES)
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("a.py")
    return root


@pytest.fixture
def base(repo, tmp_path):
    return Base.take(repo, tmp_path / "run")


@pytest.fixture
def outside(tmp_path, write):
    """A directory of the user's that nothing may change."""
    write(tmp_path / "outside/b.py", "mine\n")
    write(tmp_path / "outside/deep/c.py", "mine\n")
    return tmp_path / "outside"


def state(place: Path) -> dict[str, object]:
    """Kind, rights and bytes of everything in a worktree."""
    found: dict[str, object] = {}
    for at, directories, names in os.walk(place):
        for path in (Path(at) / n for n in (*directories, *names)):
            content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else ""
            found[str(path.relative_to(place))] = (oct(path.lstat().st_mode), content)
    return found


def test_a_checkout_is_a_git_worktree_of_the_private_repository(base):
    place = base.checkout("one")
    assert place == base.run_dir / "worktrees/one"
    listed = subprocess.run(["git", "-C", place, "worktree", "list"], capture_output=True, text=True, check=True)
    assert str(place) in listed.stdout


def test_changes_are_written_on_top(base):
    changes = {"a.py": b"a = 2\n", "pkg/deep/c.py": None, "new/d.py": b"d\n", "run.sh": b"#!/bin/bash\n"}
    place = base.checkout("one", changes)
    assert (place / "a.py").read_bytes() == b"a = 2\n"
    assert (place / "new/d.py").read_bytes() == b"d\n"
    assert not (place / "pkg/deep").exists()
    assert os.access(place / "run.sh", os.X_OK)
    base.restore("one")
    assert state(place) == state(base.checkout("two")) | {".git": state(place)[".git"]}


def test_a_checkout_replaces_the_one_of_that_name(base, write):
    place = base.checkout("one", {"a.py": b"a = 2\n"})
    write(place / "left.py", "left\n")
    assert base.checkout("one") == place
    assert (place / "a.py").read_bytes() == b"a = 1\n"
    assert not (place / "left.py").exists()


def _fifo_for_file(place: Path, outside: Path) -> None:
    (place / "a.py").unlink()
    os.mkfifo(place / "a.py")
    os.mkfifo(place / "pkg/pipe")


def _link_for_directory(place: Path, outside: Path) -> None:
    shutil.rmtree(place / "pkg")
    (place / "pkg").symlink_to(outside)


def _link_for_file(place: Path, outside: Path) -> None:
    (place / "pkg/b.py").unlink()
    (place / "pkg/b.py").symlink_to(outside / "b.py")


def _hard_link(place: Path, outside: Path) -> None:
    (place / "a.py").unlink()
    (place / "pkg/b.py").unlink()
    (place / "pkg/b.py").write_bytes(b"b = 1\n")
    os.link(place / "pkg/b.py", place / "second_name.py")
    os.link(outside / "b.py", place / "a.py")


def _no_rights(place: Path, outside: Path) -> None:
    (place / "a.py").chmod(0)
    (place / "pkg/deep").chmod(0)
    (place / "pkg").chmod(0)
    place.chmod(0o555)


def _own_git_directory(place: Path, outside: Path) -> None:
    (place / ".git").unlink()
    subprocess.run(["git", "init", "-q", place], check=True)
    subprocess.run(["git", "init", "-q", place / "pkg/nested"], check=True)
    (place / ".git/config").write_text(f'[core]\nfsmonitor = "touch {outside}/evil;"\nhooksPath = {outside}\n')


def _git_file_elsewhere(place: Path, outside: Path) -> None:
    (place / ".git").write_text(f"gitdir: {outside}\n")


def _same_size_and_time(place: Path, outside: Path) -> None:
    before = (place / "a.py").stat()
    (place / "a.py").write_bytes(b"a = 2\n")
    os.utime(place / "a.py", ns=(before.st_atime_ns, before.st_mtime_ns))


def _directory_for_file(place: Path, outside: Path) -> None:
    (place / "a.py").unlink()
    (place / "a.py/x/y").mkdir(parents=True)
    shutil.rmtree(place / "pkg")
    (place / "pkg").write_text("a file now")


def _very_deep(place: Path, outside: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=handle)
        below = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(handle)


def _rubbish(place: Path, outside: Path) -> None:
    (place / "pkg/__pycache__").mkdir()
    (place / "pkg/__pycache__/b.cpython-311.pyc").write_bytes(b"stale")
    (place / os.fsdecode(b"bad-\xff")).write_bytes(b"")
    (place / "run.sh").chmod(0o644)
    (place / "link").unlink()
    (place / "link").symlink_to("/etc/passwd")


ATTACKS = [
    _fifo_for_file, _link_for_directory, _link_for_file, _hard_link, _no_rights, _own_git_directory,
    _git_file_elsewhere, _same_size_and_time, _directory_for_file, _very_deep, _rubbish,
]  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__.strip("_"))
def test_restore_copes_with(attack, base, outside, fingerprint):
    place = base.checkout("one")
    clean = state(place)
    attack(place, outside)
    theirs = {name: entry[::2] for name, entry in fingerprint(outside).items()}

    base.restore("one")

    assert state(place) == clean
    assert {name: entry[::2] for name, entry in fingerprint(outside).items()} == theirs


def test_restore_leaves_what_is_mounted_over(base, write):
    """A sandbox that is open would lose its mount with the directory."""
    place = base.checkout("one")
    write(place / "node_modules/x.js", "there\n")
    write(place / "pkg/node_modules/y.js", "there\n")
    write(place / "pkg/made.txt", "made\n")
    base.restore("one", None, ["node_modules", "pkg/node_modules"])
    assert (place / "node_modules/x.js").exists() and (place / "pkg/node_modules/y.js").exists()
    assert not (place / "pkg/made.txt").exists()


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__.strip("_"))
def test_remove_leaves_nothing_after(attack, base, outside, fingerprint):
    place = base.checkout("one")
    attack(place, outside)
    theirs = {name: entry[::2] for name, entry in fingerprint(outside).items()}

    base.remove("one")
    base.remove("one")  # twice is fine

    assert list((base.run_dir / "worktrees").iterdir()) == []
    assert list((base.store.git_dir / "worktrees").iterdir()) == []
    assert {name: entry[::2] for name, entry in fingerprint(outside).items()} == theirs


def test_equal_files_made_one_by_a_hard_link_are_two_again(make_repo, tmp_path):
    """Else a test that writes into one would change the other."""
    base = Base.take(make_repo({"x.py": "same\n", "y.py": "same\n"}, "twins"), tmp_path / "run2")
    place = base.checkout("one")
    (place / "y.py").unlink()
    (place / "y.py").hardlink_to(place / "x.py")
    base.restore("one")
    assert [(place / name).stat().st_nlink for name in ("x.py", "y.py")] == [1, 1]


def test_what_is_untouched_is_not_written_again(base):
    place = base.checkout("one")
    (place / "a.py").write_bytes(b"changed\n")
    before = {name: (place / name).stat().st_ino for name in ("pkg/b.py", "run.sh")}
    base.restore("one")
    assert {name: (place / name).stat().st_ino for name in before} == before


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".git", "-x"])
def test_a_worktree_name_cannot_leave_the_run_directory(base, name):
    with pytest.raises(SnapshotError, match="name of a worktree"):
        base.checkout(name)


def test_directories_without_rights_as_an_ordinary_user(tmp_path_factory):
    """Root may do anything, so this runs as somebody else where the tests run as root."""
    script = (
        "import os, pathlib, sys\nfrom coder_sandbox.safe_files import directory, remove\n"
        "root = pathlib.Path(sys.argv[1]); (root / 'x/y/z').mkdir(parents=True); (root / 'x/y/z/f').touch()\n"
        "(root / 'x/y/z').chmod(0o500); (root / 'x/y').chmod(0); (root / 'x').chmod(0o400)\n"
        "with directory(root) as handle: remove(handle, 'x')\n"
        "assert not os.listdir(root)\n"
    )
    room = Path("/tmp") / f"coder-test-{os.getpid()}"
    room.mkdir(mode=0o777)
    room.chmod(0o777)
    try:
        shutil.copytree(Path(worktree_module.__file__).parent, room / "lib/coder_sandbox", dirs_exist_ok=True)
        (room / "work").mkdir()
        (room / "work").chmod(0o777)
        who = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        python = "/usr/bin/python3" if who else sys.executable
        if who and not (shutil.which("setpriv") and _can_run(who, python)):
            pytest.skip("no interpreter that an ordinary user may run")
        done = subprocess.run(
            [*who, python, "-c", script, room / "work"],
            env={"PYTHONPATH": str(room / "lib"), "PATH": os.environ["PATH"]}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    finally:
        shutil.rmtree(room)


def _can_run(who: list[str], python: str) -> bool:
    code = "import sys; raise SystemExit(sys.version_info < (3, 11))"
    return Path(python).exists() and subprocess.run([*who, python, "-c", code], check=False).returncode == 0


def test_a_disk_that_fills_up_during_a_checkout(base, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(worktree_module, "create", full)
    with pytest.raises(SnapshotError, match="disk is full"):
        base.checkout("one")


def test_five_hundred_files_are_checked_out_at_once(make_repo, tmp_path):
    repo = make_repo({f"pkg{n % 20}/m{n}.py": f"x = {n}\n" * 50 for n in range(500)}, "big")
    base = Base.take(repo, tmp_path / "run2")
    started = time.perf_counter()
    base.checkout("one")
    assert time.perf_counter() - started < 1.0


# --- the patch -----------------------------------------------------------------------------------------------


def test_the_patch_is_one_that_git_apply_takes(repo, base, git, write, tmp_path):
    write(repo / "binary.bin", b"\0old")
    write(repo / "crlf.txt", b"a\r\nb\r\n")
    write(repo / "latin.txt", b"caf\xe9\nno newline at end")
    base = Base.take(repo, tmp_path / "run2")
    changes = {
        "a.py": b"a = 2\n",
        "run.sh": b"#!/bin/sh\necho\n",
        "pkg/b.py": None,
        "new/empty.py": b"",
        "new/d.py": b"d = 1\n",
        "binary.bin": b"\0new\0",
        "crlf.txt": b"a\r\nc\r\n",
        "latin.txt": b"th\xe9\nno newline at end",
    }
    patch = base.diff(changes)
    subprocess.run(["git", "-C", repo, "apply"], input=patch.encode("utf-8", "surrogateescape"), check=True)
    assert {p: (repo / p).read_bytes() if (repo / p).exists() else None for p in changes} == changes
    assert os.access(repo / "run.sh", os.X_OK)


def test_a_patch_against_a_part_of_a_repository_applies_from_there(make_repo, tmp_path):
    repo = make_repo({"pkg/a.py": "a\n", "a.py": "top\n"}, "mono")
    patch = Base.take(repo / "pkg", tmp_path / "run2").diff({"a.py": b"fixed\n"})
    subprocess.run(["git", "-C", repo / "pkg", "apply"], input=patch.encode(), check=True)
    assert (repo / "pkg/a.py").read_text() == "fixed\n"
    assert (repo / "a.py").read_text() == "top\n"


def test_attributes_and_settings_do_not_change_the_patch(repo, user_home, write, tmp_path):
    write(repo / ".gitattributes", "*.py -diff\n* diff=evil\n")
    write(user_home / ".gitconfig", "[diff]\nnoprefix = true\nexternal = false\n[color]\nui = always\n")
    patch = Base.take(repo, tmp_path / "run2").diff({"a.py": b"a = 2\n"})
    assert patch.splitlines()[0] == "diff --git a/a.py b/a.py"
    assert patch.splitlines()[-2:] == ["-a = 1", "+a = 2"]


def test_changes_that_change_nothing_give_no_patch(base):
    assert base.diff({"a.py": b"a = 1\n"}) == ""
    assert base.diff({}) == ""


def test_reading_what_is_not_there(base):
    with pytest.raises(KeyError):
        base.read("nothing.py")
