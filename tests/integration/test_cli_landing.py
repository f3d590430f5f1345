"""coder apply and undo on a real repository: exactly, or not at all, and in words."""

import subprocess
import sys
from pathlib import Path

import pytest

from coder.cli import landing
from coder.cli.main import main
from coder.errors import CoderError
from coder.record.result import Result
from coder.record.store import RunDir, RunStore
from coder_sandbox.snapshot import Base

BEFORE, AFTER = b"def even(n):\r\n    return n % 2 == 1\r\n", b"def even(n):\r\n    return n % 2 == 0\r\n"


def git(repo: Path, *argv: str) -> str:
    identity = ["-c", "user.name=u", "-c", "user.email=u@example.org"]
    return subprocess.run(
        ["git", *identity, *argv], cwd=repo, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def run(tmp_path, monkeypatch) -> RunDir:
    """A verified run of a repository with one commit."""
    monkeypatch.setenv("CODER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "u")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "u@example.org")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "u")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "u@example.org")
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "m.py").write_bytes(BEFORE)
    git(repo, "init", "-q", "-b", "main")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "first")
    run = RunStore().create(repo, "goal", {})
    base = Base.take(repo, run.path)
    run.save_changes({"m.py": AFTER})
    run.save_result(Result(run.id, "fixed", ["test_m.py::test_even"], base.diff({"m.py": AFTER}), ["m.py"]))
    run.close()
    return run


@pytest.fixture
def repo(run) -> Path:
    return Path(run.meta()["repo"])


@pytest.fixture
def coder(monkeypatch, capsys):
    def call(*argv: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["coder", *map(str, argv)])
        return main(), capsys.readouterr().err

    return call


def test_apply_and_undo_of_the_newest_run_of_the_repository(coder, repo):
    code, words = coder("apply", "--repo", repo)
    assert (code, (repo / "m.py").read_bytes()) == (0, AFTER)
    assert "applied to m.py; take it back with: coder undo" in words
    assert "applied before to m.py" in coder("apply", "--repo", repo)[1]
    assert coder("undo", "--repo", repo) == (0, "taken back: m.py\n")
    assert (repo / "m.py").read_bytes() == BEFORE


def test_a_moved_tree_is_refused_in_words(coder, run, repo):
    (repo / "m.py").write_bytes(b"mine")
    code, words = coder("apply", run.id)
    assert (code, (repo / "m.py").read_bytes()) == (1, b"mine")
    assert "m.py" in words
    assert "Traceback" not in words


def test_nothing_applied_is_nothing_to_undo(coder, run):
    code, words = coder("undo", run.id)
    assert code == 1
    assert "nothing to undo" in words


def test_a_commit_names_the_tests_and_the_run_and_is_taken_back(coder, run, repo):
    first = git(repo, "rev-parse", "HEAD")
    words = landing.land(run, "commit")
    assert git(repo, "rev-parse", "HEAD")[:12] in words
    message = git(repo, "log", "-1", "--format=%B")
    assert message.startswith("Fix test_even\n")
    assert run.id in message
    assert "- test_m.py::test_even" in message
    assert coder("undo", run.id)[0] == 0
    assert (git(repo, "rev-parse", "HEAD"), (repo / "m.py").read_bytes()) == (first, BEFORE)


def test_a_branch_leaves_the_working_tree(run, repo):
    landing.land(run, "branch", "coder/even")
    assert git(repo, "show", "coder/even:m.py").splitlines()[1].strip() == "return n % 2 == 0"
    assert (repo / "m.py").read_bytes() == BEFORE
    with pytest.raises(CoderError, match="exists already"):
        landing.land(run, "branch", "coder/even")
