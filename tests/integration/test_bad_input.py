"""Faults of the surroundings: clear words, the right exit code, nothing left behind and nothing lost."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder import run
from coder.record.result import Result
from coder.record.store import RunStore
from coder_sandbox.snapshot import Base

FILES = {
    "clock.py": "def minutes(hours):\n    return hours * 61\n",
    "test_clock.py": "from clock import minutes\n\ndef test_minutes():\n    assert minutes(2) == 120\n\n"
    "def test_none():\n    assert minutes(0) == 0\n",
}
CODER = [sys.executable, "-P", "-m", "coder.cli.main"]

Fix = Callable[..., Result]
Make = Callable[[dict[str, str]], Path]


@pytest.mark.bwrap
def test_no_pytest_in_the_target(make: Make, fix: Fix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "bare"))
    result = fix(make(FILES))
    assert result.exit_code == 3
    assert f"No module named pytest in {tmp_path / 'bare' / 'bin' / 'python'}" in result.reason


def test_no_interpreter(make: Make, fix: Fix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("env", "git"):
        (tools / name).symlink_to(f"/usr/bin/{name}")
    repo = make(FILES)
    monkeypatch.delenv("VIRTUAL_ENV")
    monkeypatch.setenv("PATH", str(tools))
    result = fix(repo)
    assert result.exit_code == 3
    assert "No Python was found" in result.reason
    assert "python3 -m venv .venv" in result.reason


def test_a_huge_repository(make: Make, fix: Fix, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Base, "take", functools.partial(Base.take, max_files=1))
    result = fix(make(FILES))
    assert result.exit_code == 3
    assert "1 files" in result.reason


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(make: Make, fix: Fix) -> None:
    repo = make(FILES)
    (repo / "clock.py").chmod(0)
    result = fix(repo)
    assert result.exit_code == 3
    assert "clock.py" in result.reason


def test_a_bare_repository(tmp_path: Path, fix: Fix) -> None:
    subprocess.run(["git", "init", "-q", "--bare", tmp_path / "bare.git"], check=True)
    result = fix(tmp_path / "bare.git")
    assert result.exit_code == 2
    assert "clone it" in result.reason


def may_mount() -> bool:
    """Whether a file system can be mounted in a namespace of one's own."""
    argv = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return os.geteuid() == 0 and subprocess.run(argv, capture_output=True, check=False).returncode == 0


@pytest.mark.bwrap
@pytest.mark.parametrize("size", ["4k", "40k", "100k", "160k", "300k"])
def test_a_disk_that_fills_up(size: str, make: Make, tmp_path: Path, target_env: Path) -> None:
    """Each size ends a run at another place: its first file, the snapshot, the checkpoints, a step, the result."""
    if not may_mount():
        pytest.skip("only root may mount a small file system")
    repo, home = make(FILES), tmp_path / "home"
    home.mkdir()
    script = f'mount -t tmpfs -o size={size} tmpfs "$0"; "$@"; code=$?; ls -A "$0"/runs/*/worktrees; exit $code'
    argv = ["unshare", "--mount", "sh", "-c", script, str(home), *CODER, "fix", "--model", "none", "--json"]
    env = os.environ | {"CODER_HOME": str(home), "VIRTUAL_ENV": str(target_env)}
    done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, timeout=120, check=False)
    result, end = json.JSONDecoder().raw_decode(done.stdout)
    assert (done.returncode, result["status"]) == (3, "environment_error"), done.stderr
    assert "full" in result["reason"] or "disk" in result["reason"]
    assert "Traceback" not in done.stderr
    assert done.stdout[end:].strip() == "", "a worktree is left"


@pytest.mark.bwrap
def test_a_run_goes_on_once_there_is_room(make: Make, tmp_path: Path, target_env: Path) -> None:
    """The disk is really full, and then larger."""
    if not may_mount():
        pytest.skip("only root may mount a small file system")
    repo, home = make(FILES), tmp_path / "home"
    home.mkdir()
    script = (
        'mount -t tmpfs -o size=160k tmpfs "$0"; "$@" fix --model none --json; '
        'mount -o remount,size=64m "$0"; "$@" resume $(ls "$0"/runs) --json'
    )
    argv = ["unshare", "--mount", "sh", "-c", script, str(home), *CODER]
    env = os.environ | {"CODER_HOME": str(home), "VIRTUAL_ENV": str(target_env)}
    done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, timeout=120, check=False)
    first, end = json.JSONDecoder().raw_decode(done.stdout)
    second = json.loads(done.stdout[end:])
    assert (first["status"], second["status"]) == ("environment_error", "fixed"), done.stderr


@pytest.mark.bwrap
def test_a_run_that_met_a_full_disk_goes_on(
    make: Make, fix: Fix, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    from langgraph.checkpoint.sqlite import SqliteSaver

    put, calls = SqliteSaver.put, 0

    def full(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise sqlite3.OperationalError("database or disk is full")
        return put(*args)

    monkeypatch.setattr(SqliteSaver, "put", full)
    result = fix(make(FILES))
    assert (result.exit_code, result.resumable) == (3, True)
    assert "free some space" in result.reason
    monkeypatch.undo()
    again = run.resume(result.run_id, store, lambda event: None)
    assert again.status == "fixed", again.reason


def test_ctrl_c_in_the_middle_of_a_test(
    isolating: str,
    make: Make,
    tmp_path: Path,
    target_env: Path,
    processes_with: Callable[[str], list[int]],
    eventually: Callable[[Callable[[], bool], float], bool],
) -> None:
    """As a terminal sends it: to every process of the foreground group, while the sandbox is at work."""
    word = f"hangs-{tmp_path.name}"
    hang = (
        "import subprocess, sys\n\ndef test_hangs():\n"
        f"    subprocess.Popen([sys.executable, '-c', 'input()', {word!r}], stdin=subprocess.PIPE).wait()\n"
    )
    repo = make({**FILES, "test_hangs.py": hang})
    env = os.environ | {"CODER_HOME": str(tmp_path / "home"), "VIRTUAL_ENV": str(target_env)}
    argv = [*CODER, "fix", "--model", "none", "--sandbox", isolating, "--json"]
    with subprocess.Popen(
        argv, cwd=repo, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as coder:
        try:
            assert eventually(lambda: bool(processes_with(word)), 60)
            os.killpg(coder.pid, signal.SIGINT)
            out, err = coder.communicate(timeout=60)
        finally:
            coder.kill()
    assert coder.returncode == 130, err
    result = json.loads(out)
    assert result["status"] == "interrupted"
    assert f"coder resume {result['run_id']}" in err
    assert processes_with(word) == []
    assert list((Path(result["run_dir"]) / "worktrees").iterdir()) == []
    listed = subprocess.run([*CODER, "runs", "--json"], env=env, capture_output=True, text=True, check=True)
    assert [(r["status"], r["resumable"]) for r in json.loads(listed.stdout)] == [("interrupted", True)]
