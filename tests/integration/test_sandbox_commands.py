"""What every sandbox does with a command: runs it, caps it, ends it, and leaves nothing."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox.contract import ExecResult, Limits, Mount, Sandbox, SandboxError, Workspace
from coder_sandbox.toolchain import find_toolchain

PYENV = Path.home() / ".pyenv" / "versions"
DAEMON = """
import os, time
ready, tell = os.pipe()
if os.fork():
    os.read(ready, 1)
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
os.write(tell, b"!")
time.sleep(300)
"""


def python(box: Sandbox, code: str, *args: str, timeout: float = 20) -> ExecResult:
    return box.run([str(box.workspace.python), "-c", code, *args], timeout=timeout)


def test_a_command_has_the_worktree_its_input_and_its_environment(open_box: Any, backend: str) -> None:
    box = open_box(backend)
    script = 'pwd; cat; echo "$NAME" >&2; echo new > made.txt; exit 3'
    done = box.run(["sh", "-c", script], timeout=10, stdin="in ✓", env={"NAME": "välue"})
    assert done.stdout == f"{box.workspace.inside}\nin ✓"
    assert (done.stderr, done.exit_code, done.killed_by, done.dropped_bytes) == ("välue\n", 3, None, 0)
    assert (box.workspace.worktree / "made.txt").read_text() == "new\n"


def test_the_other_ways_a_command_ends(open_box: Any, backend: str) -> None:
    box = open_box(backend)
    missing = box.run(["no-such-program"], timeout=5)
    assert missing.exit_code is None and "no-such-program" in missing.stderr
    assert box.run([], timeout=5).exit_code is None
    assert box.run(["true"], timeout=5, cwd=Path("/no/such/directory")).exit_code is None
    assert box.run(["sh", "-c", "kill -SEGV $$"], timeout=5).exit_code == -11
    own = box.run(["sh", "-c", "kill -KILL $$"], timeout=5)
    assert (own.exit_code, own.killed_by) == (-9, None)
    binary = python(box, r"import os; os.write(1, bytes(range(256)))")
    assert "\ufffd" in binary.stdout and "abc" in binary.stdout
    assert box.run(["cat"], timeout=5, stdin="x" * 3_000_000).stdout == "x" * 3_000_000
    assert box.run(["true"], timeout=5, stdin="x" * 3_000_000).exit_code == 0  # one that does not read


def test_a_command_gets_pipes_and_no_descriptor_more(open_box: Any, backend: str) -> None:
    code = """
import os
for name in os.listdir('/proc/self/fd'):
    try: print(name, os.readlink('/proc/self/fd/' + name))
    except OSError: pass
"""
    with Path(os.devnull).open() as leak:
        os.set_inheritable(leak.fileno(), True)
        lines = python(open_box(backend), code).stdout.splitlines()
    assert len(lines) == 3 and all("pipe:" in line for line in lines)


def test_a_timeout_ends_the_whole_tree(
    open_box: Any, backend: str, processes_with: Callable[[str], list[int]], tmp_path: Path
) -> None:
    """A daemon, a child that ignores SIGTERM and one that holds the output open, all within two seconds."""
    box = open_box(backend)
    token = f"coder-test-{os.getpid()}-{time.time_ns()}"
    script = (
        f'loop() {{ sh -c "while :; do sleep 0.1; done # {token}"; }}; trap "" TERM INT HUP; '
        f'loop & (setsid sh -c "while :; do sleep 0.1; done # {token}" &) ; loop'
    )
    started = time.monotonic()
    done = box.run(["sh", "-c", script], timeout=1)
    assert 1 <= time.monotonic() - started < 3
    assert (done.killed_by, done.exit_code) == ("timeout", -9)
    assert processes_with(token) == []
    assert box.run(["true"], timeout=5).exit_code == 0


def test_the_end_of_a_command_ends_its_daemons(
    open_box: Any, backend: str, processes_with: Callable[[str], list[int]]
) -> None:
    box = open_box(backend)
    token = f"coder-test-{os.getpid()}-{time.time_ns()}"
    done = python(box, DAEMON, token)
    assert (done.exit_code, done.killed_by) == (0, None)
    assert processes_with(token) == []


def test_endless_output_is_capped_counted_and_ended(open_box: Any, backend: str) -> None:
    box = open_box(backend, Limits(output_bytes=200_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for stream, redirect in (("stdout", ""), ("stderr", ">&2")):
        done = box.run(["sh", "-c", f"yes out {redirect}"], timeout=20)
        assert done.killed_by == "output"
        assert getattr(done, stream) == "out\n" * 50_000
        assert done.dropped_bytes > 1_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000  # KiB


def test_output_at_its_widest_still_fits_a_message(open_box: Any, backend: str) -> None:
    box = open_box(backend)
    done = python(box, "import os\nfor f in (1, 2):\n for i in range(40): os.write(f, b'\\0' * 100_000)")
    assert done.exit_code == 0 and set(done.stdout) == {"\0"}
    assert len(done.stdout) + len(done.stderr) + done.dropped_bytes == 8_000_000


def test_a_memory_bomb_is_ended(open_box: Any, backend: str) -> None:
    box = open_box(backend, Limits(memory_mb=200))
    code = """
import os, time
os.fork()
os.fork()
keep = []
while True:
    keep.append(bytearray(b'x' * 1_000_000))
    time.sleep(0.001)
"""
    done = python(box, code)
    assert done.killed_by == "memory"
    assert python(box, "print(len(bytearray(20_000_000)))").stdout == "20000000\n"


def test_memory_that_forks_share_counts_once(open_box: Any, backend: str) -> None:
    box = open_box(backend, Limits(memory_mb=300))
    code = """
import os, time
keep = b'x' * 100_000_000
for _ in range(4):
    if not os.fork():
        time.sleep(0.5)
        os._exit(0)
for _ in range(4): os.wait()
"""
    assert python(box, code).killed_by is None


def test_too_many_processes_are_ended(open_box: Any, backend: str) -> None:
    box = open_box(backend, Limits(processes=20))
    script = "for i in $(seq 30); do sleep 60 & done; wait"
    assert box.run(["sh", "-c", script], timeout=20).killed_by == "processes"
    assert box.run(["sh", "-c", "for i in $(seq 10); do sleep 0.1 & done; wait"], timeout=9).exit_code == 0


def test_files_and_descriptors_are_limited(open_box: Any, backend: str) -> None:
    box = open_box(backend, Limits(open_files=50, file_mb=1))
    many = python(box, "import os\nkept = [open('/dev/null') for _ in range(100)]")
    assert "Too many open files" in many.stderr
    big = python(box, "import signal\nsignal.signal(25, 1)\nopen('big', 'wb').write(b'x' * 2_000_000)")
    assert "File too large" in big.stderr
    assert (box.workspace.worktree / "big").stat().st_size <= 1 << 20


def test_an_unknown_operation_is_refused_in_words(open_box: Any, backend: str) -> None:
    box = open_box(backend)
    with pytest.raises(SandboxError, match="nonsense"):
        box.request("nonsense", {}, timeout=5)
    assert box.run(["true"], timeout=5).exit_code == 0


def test_a_dead_agent_is_reported_and_closed(open_box: Any, processes_with: Callable[[str], list[int]]) -> None:
    box = open_box("none")
    with pytest.raises(SandboxError, match="agent has ended"):
        box.run(["sh", "-c", "kill -KILL $PPID; sleep 5"], timeout=5)
    box.close()


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_python_runs_the_agent(open_box: Any, version: str, tmp_path: Path) -> None:
    found = sorted(PYENV.glob(f"{version}.*/bin/python3"))
    if not found:
        pytest.skip(f"Python {version} is not installed here")
    toolchain = find_toolchain(tmp_path, os.environ, str(found[-1]))
    box = open_box("none", python=toolchain.python, mounts=toolchain.mounts, env=toolchain.env)
    assert box.python_version.startswith(version + ".")
    assert box.run(["sh", "-c", "echo $((6 * 7)); sleep 60 &"], timeout=5).stdout == "42\n"
    assert box.run(["sleep", "60"], timeout=0.1).killed_by == "timeout"


def test_an_environment_in_the_repository_works_inside_and_is_read_only(
    open_box: Any, isolating: str, workspace: Workspace
) -> None:
    """Over a worktree that has no such directory, and has none afterwards."""
    import venv

    venv.create(workspace.inside / ".venv", symlinks=True)
    packages = next((workspace.inside / ".venv" / "lib").glob("python3.*")) / "site-packages"
    (packages / "only_here.py").write_text("x = 41")
    found = find_toolchain(workspace.inside, os.environ)
    box = open_box(isolating, python=found.python, mounts=found.mounts, env=found.env)
    done = box.run(["python", "-c", "import only_here, sys; print(only_here.x + 1, sys.prefix)"], timeout=10)
    assert done.stdout == f"42 {workspace.inside / '.venv'}\n"
    denied = box.run(["sh", "-c", "echo bad > .venv/pyvenv.cfg"], timeout=5)
    assert "Read-only" in denied.stderr
    box.close()
    assert list(workspace.worktree.iterdir()) == []


def test_a_link_in_the_place_of_a_mount_is_refused(
    open_box: Any, isolating: str, workspace: Workspace, tmp_path: Path
) -> None:
    (workspace.worktree / "envs").symlink_to(tmp_path)
    place = workspace.inside / "envs" / "one"
    with pytest.raises(SandboxError, match="in the way"):
        open_box(isolating, mounts=(*workspace.mounts, Mount(tmp_path, place)))
    assert not (tmp_path / "one").exists()


def test_the_docker_package_is_not_loaded_for_the_others() -> None:
    import subprocess

    code = "import coder_sandbox.choose, coder_sandbox.bwrap, coder_sandbox.docker, sys; print('docker' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
