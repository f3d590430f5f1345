"""coder sandbox shell: a command, or a terminal, over a copy of the repository."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
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


class Terminal:
    """The user's end of a terminal. Fails the test where what is waited for does not come."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.seen = b""
        self._typed = 0  # how much had been seen when the last key was pressed

    def wait(self, until: Callable[[bytes], bool]) -> None:
        """Read until what came since the last key satisfies `until`, or the program has gone."""
        deadline = time.monotonic() + 60
        while not until(self.seen[self._typed :]):
            if not select.select([self._fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
                pytest.fail(f"the terminal shows {self.seen!r}, and nothing more")
            try:
                self.seen += os.read(self._fd, 4096)
            except OSError:
                return

    def press(self, keys: bytes) -> None:
        self._typed = len(self.seen)
        os.write(self._fd, keys)


def _prompts(shown: bytes) -> bool:
    return shown.rstrip().endswith((b"$", b"#"))


def test_a_terminal(repo: Path, isolating: str) -> None:
    """With job control, a size, and keys that reach the program inside: Ctrl-C ends the sleep, not coder."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp(CODER[0], [*CODER, "--repo", str(repo), "--sandbox", isolating])
    terminal = Terminal(fd)
    terminal.wait(_prompts)
    # the process that is to get the Ctrl-C says itself that it is there
    terminal.press(b"echo $((6*7)); tty; sh -c 'echo re\"\"ady; exec sleep 100'\n")
    terminal.wait(lambda shown: b"ready" in shown)
    terminal.press(b"\x03")
    terminal.wait(lambda shown: b"^C" in shown and _prompts(shown))
    terminal.press(b"echo changed > file; exit 5\n")
    terminal.wait(lambda shown: False)
    _, status = os.waitpid(pid, 0)
    os.close(fd)
    assert b"42" in terminal.seen and b"/dev/pts/" in terminal.seen
    assert os.waitstatus_to_exitcode(status) == 5
    assert (repo / "file").read_text() == "of the user\n"
