"""coder sandbox shell: a command, or a terminal, over a copy of the repository."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

CODER = [sys.executable, "-P", "-m", "coder.cli.main", "sandbox", "shell"]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    top = tmp_path / "repo"
    top.mkdir()
    (top / "file").write_text("of the user\n")
    return top


def test_a_command_runs_in_a_copy_and_its_exit_code_is_coders(repo: Path, isolating: str) -> None:
    command = ["--", "sh", "-c", "cat file; echo changed > file; echo said >&2; touch /usr/x; exit 7"]
    done = subprocess.run(
        [*CODER, "--repo", repo, "--sandbox", isolating, *command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (7, "of the user\n"), done.stderr
    assert done.stderr.startswith("said\n") and "Read-only" in done.stderr
    assert (repo / "file").read_text() == "of the user\n"
    assert list(repo.iterdir()) == [repo / "file"]


def test_what_is_no_program_is_said(repo: Path, isolating: str) -> None:
    argv = [*CODER, "--repo", repo, "--sandbox", isolating, "--", "no-such-program"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "no-such-program" in done.stderr and "Traceback" not in done.stderr


def test_a_terminal(repo: Path, isolating: str) -> None:
    """With job control, a size, and keys that reach the program inside: Ctrl-C ends the sleep, not coder."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(CODER[0], [*CODER, "--repo", str(repo), "--sandbox", isolating])
    # the process that is to get the Ctrl-C says itself that it is there
    seen = _talk(terminal, b"echo $((6*7)); tty; sh -c 'echo re\"\"ady; exec sleep 100'\n", b"ready")
    seen += _talk(terminal, b"\x03", b"^C")
    _talk(terminal, b"echo changed > file; exit 5\n", b"exit")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert b"42" in seen and b"/dev/pts/" in seen
    assert os.waitstatus_to_exitcode(status) == 5
    assert (repo / "file").read_text() == "of the user\n"


def _talk(terminal: int, keys: bytes, until: bytes) -> bytes:
    """Wait for the prompt, type, and read until something is shown."""
    seen = b""
    deadline = time.monotonic() + 60
    while not seen.rstrip().endswith((b"$", b"#")) and keys != b"\x03" and time.monotonic() < deadline:
        seen += os.read(terminal, 4096)
    os.write(terminal, keys)
    shown = b""
    while until not in shown.partition(b"\n")[2 if keys != b"\x03" else 0] and time.monotonic() < deadline:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
        if until == b"exit" and b"exit" in shown:
            break
    return seen + shown
