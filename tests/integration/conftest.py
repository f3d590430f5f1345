"""Real git repositories under a home directory of their own, and whole runs over small projects."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from coder import run
from coder.record.events import Event
from coder.record.result import Result
from coder.record.store import RunStore
from coder.task import Request

sys.path.insert(0, str(Path(__file__).parent.parent / "kills"))
sys.path.insert(0, str(Path(__file__).parent.parent / "languages"))

import kills

Git = Callable[..., str]
MakeRepo = Callable[..., Path]
Fix = Callable[..., Result]


@pytest.fixture
def user_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with an identity in it, and none of the caller's git variables."""
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        '[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\n[protocol "file"]\nallow = always\n'
    )
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture
def git(user_home: Path) -> Git:
    """`git(directory, *args)`, as the user runs it but without hooks (a hook that ran is coder's doing); its output."""

    def run(directory: Path, *args: str, check: bool = True) -> str:
        done = subprocess.run(
            ["git", "-C", directory, "-c", "core.hooksPath=/dev/null", *args], capture_output=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"git {args}: {done.stderr.decode()}")
        return os.fsdecode(done.stdout).rstrip("\n")

    return run


@pytest.fixture
def make_repo(tmp_path: Path, git: Git) -> MakeRepo:
    """`make_repo(files, name="repo", commit=True)`: a repository holding the files."""

    def make(files: Mapping[str, str | bytes], name: str = "repo", commit: bool = True) -> Path:
        root = tmp_path / name
        root.mkdir(parents=True)
        git(root, "init", "-q")
        for path, text in files.items():
            put(root / path, text)
        if commit:
            git(root, "add", "-A")
            git(root, "commit", "-q", "-m", "first")
        return root

    return make


def put(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


@pytest.fixture
def write() -> Callable[[Path, str | bytes], None]:
    """Write a file, with the directories it needs."""
    return put


@pytest.fixture
def fingerprint() -> Callable[[Path], dict[str, tuple[object, ...]]]:
    """Everything there is below a directory: kind, mode, time of change, bytes."""

    def take(root: Path) -> dict[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        for place, directories, names in os.walk(root):
            for path in (Path(place) / n for n in (*directories, *names)):
                status = path.lstat()
                if stat.S_ISLNK(status.st_mode):
                    content: object = path.readlink()
                elif stat.S_ISREG(status.st_mode):
                    content = hashlib.sha256(path.read_bytes()).hexdigest()
                else:
                    content = ""
                found[str(path.relative_to(root))] = (oct(status.st_mode), status.st_mtime_ns, content)
        return found

    return take


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(tmp_path / "home")


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """`make(files, name="repo")`: writes files into a new directory, the repository of the run."""

    def write(files: Mapping[str, str], name: str = "repo") -> Path:
        repo = tmp_path / name
        for file, text in files.items():
            path = repo / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return repo

    return write


@pytest.fixture
def fix(store: RunStore, monkeypatch: pytest.MonkeyPatch, target_env: Path) -> Fix:
    """Runs a fix without a model, in bubblewrap unless told otherwise."""
    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))

    def go(repo: Path, goal: str = "", listen: Callable[[Event], None] = lambda event: None, **more: Any) -> Result:
        request = Request(repo=repo, goal=goal, **{"model": "none", "sandbox": "bwrap", "time": 60.0, **more})
        return run.fix(request, store, listen)

    return go


@pytest.fixture
def play(
    tmp_path: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch, scripted_policy: Callable[..., Any]
) -> Callable[..., Any]:
    """Runs, or resumes, a scripted policy without a sandbox: play(steps, run_id="", **request)."""
    repo = kills.repository(tmp_path / "repo")
    monkeypatch.setenv("VIRTUAL_ENV", str(kills.TARGET))

    def go(steps: list[Any], /, run_id: str = "", listen: Callable[[Event], None] = lambda e: None, **more: Any) -> Any:
        monkeypatch.setattr(run, "_policy", lambda request: (scripted_policy(steps), "scripted", "test"))
        if run_id:
            return run.resume(run_id, store, listen, more.get("budgets"))
        given = {"model": "none", "sandbox": "none", "time": 120.0, **more}
        return run.fix(Request(repo, "test_cheapest", **given), store, listen)

    return go
