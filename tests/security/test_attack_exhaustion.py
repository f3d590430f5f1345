"""Attacks that use everything up. Each is bounded, so that the control, with wide limits, may run to its end."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox import bwrap
from coder_sandbox.choose import open_sandbox
from coder_sandbox.contract import ExecResult, Limits, Sandbox, SandboxError, Workspace
from coder_sandbox.launch import AGENT

Open = Callable[[Limits], Sandbox]


@pytest.fixture(scope="module")
def opened(kind: str, host: Any) -> Iterator[Open]:
    """The sandbox with these limits: one for all attacks, each of which must leave it in order."""
    boxes: dict[Limits, Sandbox] = {}
    with ExitStack() as stack:

        def open_one(limits: Limits) -> Sandbox:
            if limits not in boxes:
                boxes[limits] = open_sandbox(kind, host.workspace, limits)  # type: ignore[arg-type]
                stack.callback(boxes[limits].close)
            return boxes[limits]

        yield open_one


def python(box: Sandbox, code: str, *args: str, timeout: float = 40) -> ExecResult:
    started = time.monotonic()
    done = box.run([str(box.workspace.python), "-c", code, *args], timeout=timeout)
    assert time.monotonic() - started < timeout + 2
    return done


FORKS = """
import os, sys, time
for _ in range(int(sys.argv[1])):
    try:
        if os.fork() == 0: time.sleep(60); os._exit(0)
    except OSError: time.sleep(0.01)
if sys.argv[1] != '100': time.sleep(60)
os.kill(0, 9)
"""


def test_35_a_fork_bomb(opened: Open) -> None:
    box = opened(Limits(processes=64))
    assert python(box, FORKS, "100000").killed_by == "processes"
    assert box.run(["echo", "alive"], timeout=5).stdout == "alive\n"
    assert python(opened(Limits()), FORKS, "100").killed_by is None  # control: 100 are no bomb where 512 are allowed


BLINDFOLD = """
import resource, time
held = resource.getrlimit(resource.RLIMIT_NOFILE)
try:
    resource.prlimit(1, resource.RLIMIT_NOFILE, (0, held[1]))
    time.sleep(0.5)
    resource.prlimit(1, resource.RLIMIT_NOFILE, held)
except PermissionError:
    pass
"""


def test_25_the_watchdog_made_blind(kind: str, host: Any) -> None:
    """Whoever takes the agent's descriptors away gets the end of the sandbox, and never one that nobody watches."""
    box = open_sandbox(kind, host.workspace, Limits(processes=64))  # type: ignore[arg-type]
    try:
        python(box, BLINDFOLD)
        assert python(box, FORKS, "100000").killed_by == "processes"
    except SandboxError:
        assert box.name != "bwrap", "its filter does not let the limit be changed"
    finally:
        box.close()


def test_what_lives_on_between_requests_is_watched_too() -> None:
    """In the agent's own process: it goes on looking while something is pinned, and rests when nothing is."""
    code = (
        f"import sys; sys.path.insert(0, {str(AGENT)!r})\n"
        "import guard, processes\n"
        "watch = guard.Guard()\n"
        "with watch: processes.PINNED.add(4711)\n"
        "assert watch._busy.is_set()\n"
        "processes.PINNED.clear()\n"
        "with watch: pass\n"
        "assert not watch._busy.is_set()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_35_processes_that_are_always_new_ones(box: Sandbox, processes_with: Callable[[str], list[int]]) -> None:
    """Each forks and ends at once, so that no list of processes is ever true."""
    token = f"coder-test-{os.getpid()}-{time.time_ns()}"
    hydra = "import os\nwhile True:\n if os.fork(): os._exit(0)"
    done = box.run(["sh", "-c", f"'{box.workspace.python}' -c '{hydra}' {token}; sleep 60"], timeout=0.5)
    assert done.killed_by == "timeout"
    assert processes_with(token) == []


BOMBS = {
    "private": "keep = [bytearray(b'x' * (1 << 20)) for _ in range(400)]",
    "first thread ended": """
import ctypes, os, sys, threading, time
def take():
    time.sleep(0.05)
    keep = [bytearray(b'x' * (1 << 20)) for _ in range(400)]
    if len(sys.argv) < 2: time.sleep(30)
    os._exit(0)
threading.Thread(target=take).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)  # exit, of this thread alone""",
    "shared": "import mmap\nm = mmap.mmap(-1, 400 << 20)\nfor at in range(0, 400 << 20, 4096): m[at] = 1",
    "memfd": "import os\nf = os.memfd_create('x')\nfor _ in range(400): os.write(f, b'x' * (1 << 20))",
    "system v": """
import ctypes as c
l = c.CDLL(None); l.shmat.restype = c.c_void_p; l.shmat.argtypes = [c.c_int, c.c_void_p, c.c_int]
l.shmdt.argtypes = [c.c_void_p]; l.shmget.argtypes = [c.c_int, c.c_size_t, c.c_int]
for _ in range(40):
    p = l.shmat(l.shmget(0, 10 << 20, 0o600), None, 0); c.memset(p, 1, 10 << 20); l.shmdt(p)""",
}


@pytest.mark.parametrize("way", BOMBS)
def test_36_a_memory_bomb(way: str, kind: str, host: Any, opened: Open) -> None:
    """In a sandbox of its own: where the kernel's fence is met again and again it may take the agent in the end."""
    code = BOMBS[way] + "\nimport sys, time\nif len(sys.argv) < 2: time.sleep(30)"
    box = open_sandbox(kind, host.workspace, Limits(memory_mb=200))  # type: ignore[arg-type]
    try:
        assert python(box, code).killed_by == "memory"
        assert python(box, "print(len(bytearray(20_000_000)))").stdout == "20000000\n"
    finally:
        box.close()
    assert python(opened(Limits()), code, "and end").exit_code == 0  # control


@pytest.mark.bwrap
def test_36_memory_that_nobody_can_count(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held in sockets, say. Where no fence of the kernel's stands, the machine's last memory is not touched.

    Using it up would endanger the test machine: the agent's copy here takes all of it for the last.
    """
    shutil.copytree(AGENT, tmp_path / "agent")
    guard = tmp_path / "agent/guard.py"
    guard.write_text(guard.read_text().replace("SPARE = 0.03", "SPARE = 1.0"))
    monkeypatch.setattr(bwrap, "fence", lambda limits: None)
    for agent, verdict in ((tmp_path / "agent", "memory"), (AGENT, None)):
        monkeypatch.setattr(bwrap, "AGENT", agent)
        box = open_sandbox("bwrap", workspace, Limits())
        try:
            assert box.run(["sleep", "0.3" if verdict is None else "30"], timeout=40).killed_by == verdict
        finally:
            box.close()


def test_39_so_many_descriptors_that_a_look_takes_long(opened: Open) -> None:
    code = """
import os, sys, time
kept = [os.dup(0) for _ in range(4000)]
for _ in range(int(sys.argv[1])):
    if os.fork() == 0: time.sleep(60); os._exit(0)
time.sleep(0.3 if sys.argv[1] == '1' else 30)
os.kill(0, 9)
"""
    assert python(opened(Limits()), code, "30").killed_by == "memory"
    assert python(opened(Limits()), code, "1").killed_by is None  # control


def test_37_endless_output(opened: Open) -> None:
    box = opened(Limits(output_bytes=100_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = box.run(["sh", "-c", "yes out"], timeout=40)
    assert done.killed_by == "output" and len(done.stdout) == 100_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KiB
    bounded = ["sh", "-c", "yes out | head -c 10000000"]
    assert box.run(bounded, timeout=40).killed_by == "output"
    assert opened(Limits()).run(bounded, timeout=40).killed_by is None  # control


DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, signal.SIG_IGN)
        print('daemon', flush=True)
        time.sleep(20)
    os._exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True: pass
"""


def test_38_a_loop_that_ignores_signals_and_a_child_that_daemonises(
    box: Sandbox, processes_with: Callable[[str], list[int]]
) -> None:
    token = f"coder-test-{os.getpid()}-{time.time_ns()}"
    assert python(box, DAEMON, token, timeout=1.0).killed_by == "timeout"
    assert processes_with(token) == []
    # control: a plain process with a time limit leaves its daemon behind
    with subprocess.Popen([sys.executable, "-c", DAEMON, token], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "daemon\n"
        process.kill()
        process.wait()
        left = processes_with(token)
        for pid in left:
            os.kill(pid, 9)
    assert left


HEADLESS = """
import ctypes, fcntl, os, threading, time
own, its = os.pipe()
if os.fork() == 0:
    os.setsid()
    held = open('held', 'w')
    fcntl.flock(held, fcntl.LOCK_EX)
    os.write(its, b'x')
    threading.Thread(target=time.sleep, args=(20,)).start()
    ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)
os.read(own, 1)
time.sleep(0.1)
"""


def test_38_a_child_whose_first_thread_has_ended(box: Sandbox, tmp_path: Path) -> None:
    """To /proc it is a dead process, nameless and without memory; the lock that it holds tells that it is not."""

    def is_held(file: Path) -> bool:
        with file.open() as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    assert python(box, HEADLESS).exit_code == 0
    assert not is_held(box.workspace.worktree / "held")
    # control: a plain process leaves it behind
    with subprocess.Popen([sys.executable, "-c", HEADLESS], cwd=tmp_path, start_new_session=True) as process:
        process.wait()
        assert is_held(tmp_path / "held")
        number = (tmp_path / "held").stat().st_ino
        (left,) = [row.split()[4] for row in Path("/proc/locks").read_text().splitlines() if f":{number} " in row]
        os.kill(int(left), 9)


def test_39_every_descriptor(opened: Open) -> None:
    code = "kept = [open('/dev/null') for _ in range(400)]; print(len(kept))"
    box = opened(Limits(open_files=200))
    assert "Too many open files" in python(box, code).stderr
    assert box.run(["echo", "alive"], timeout=5).stdout == "alive\n"
    assert python(opened(Limits()), code).stdout == "400\n"  # control


def test_40_a_command_that_sleeps_forever(box: Sandbox) -> None:
    assert box.run(["sleep", "1000"], timeout=0.2).killed_by == "timeout"
    assert box.run(["sleep", "0.2"], timeout=20).killed_by is None  # control


@pytest.mark.bwrap
def test_36_the_kernels_own_fence_around_bubblewrap(workspace: Workspace) -> None:
    """Where a control group may be made there is one, it is read-only inside, and it goes with the sandbox."""
    from coder_sandbox.cgroup import MOUNT, PREFIX, fence

    trial = fence(Limits())
    if trial is None:
        pytest.skip("no control group may be made here: not root, and none is delegated")
    trial.close()
    before = set(MOUNT.glob(f"**/{PREFIX}*"))
    box = open_sandbox("bwrap", workspace, Limits(memory_mb=100))
    try:
        files = "/sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"
        shown = box.run(["sh", "-c", f"cat {files} 2>/dev/null"], timeout=10).stdout
        assert shown.strip() == str((100 + 1024) << 20)
        done = box.run(
            ["sh", "-c", "for f in $(find /sys/fs/cgroup -type f); do echo 1 > $f && echo written; done"], timeout=10
        )
        assert "written" not in done.stdout
    finally:
        box.close()
    assert [p for p in set(MOUNT.glob(f"**/{PREFIX}*")) - before if f".{os.getpid()}." in p.name] == []
