"""What a killed coder leaves is put away at the next start, and what a living one has is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from coder.record.store import RunStore
from coder.record.sweep import sweep
from coder_sandbox import owner
from coder_sandbox.owner import Owner, temporary_directory


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = tmp_path / "tmp"
    top.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(top))
    return top


@pytest.mark.parametrize(
    ("change", "dead"),
    [
        ({}, False),
        ({"start": "1"}, True),  # the same pid, used again
        ({"pid": "4194305"}, True),  # larger than any
        ({"boot": "another"}, True),
        ({"namespace": "1", "start": "1"}, False),  # cannot be seen from here
        ({"machine": "another", "start": "1"}, False),
    ],
)
def test_who_is_dead(change: dict[str, str], dead: bool) -> None:
    named = replace(Owner.me(), **change)
    assert named.is_dead() is dead
    assert Owner.parse(str(named)) == named


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c.d.e.f", "a..c.d.e"])
def test_what_is_no_owner(text: str) -> None:
    assert Owner.parse(text) is None


def test_directories_of_the_dead_are_swept_and_those_of_the_living_are_not(temporary: Path) -> None:
    code = """
import os, sys, tempfile
tempfile.tempdir = sys.argv[1]
from coder_sandbox.owner import temporary_directory
made = temporary_directory("run-1")
(made / "deep").mkdir()
(made / "deep" / "file").write_text("x")
(made / "link").symlink_to(sys.argv[2])
os.kill(os.getpid(), 9)
"""
    outside = temporary.parent / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    subprocess.run([sys.executable, "-c", code, str(temporary), str(outside)], check=False)
    mine = temporary_directory("run-2")
    others = temporary / "coder-tmp@x@no-owner@y"
    others.mkdir()
    assert len(list(temporary.iterdir())) == 3
    assert owner.sweep() == ["run-1"]
    assert sorted(temporary.iterdir()) == sorted([mine, others])
    assert (outside / "kept").exists()


def left_by_a_kill(path: Path) -> list[Path]:
    """Put in a run what one that was killed half way has."""
    files = ["worktrees/work/file", "base.git/worktrees/work/HEAD", "base.git/index.lock", "base.git/refs/base.lock"]
    for name in files:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("x")
    (path / "base.git" / "HEAD").write_text("ref: refs/heads/base\n")
    return [path / name for name in files]


def test_worktrees_and_locks_of_a_dead_run_go_and_its_record_stays(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "home")
    dead = store.create(tmp_path, "goal", {})
    dead.close()  # as the kernel does it for a killed process: the lock is free
    left = left_by_a_kill(dead.path)
    sweep(store)
    assert not any(path.exists() for path in left)
    assert (dead.path / "meta.json").exists() and (dead.path / "base.git" / "HEAD").exists()


def test_a_living_run_is_left_alone(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "home")
    living = store.create(tmp_path, "goal", {})
    left = left_by_a_kill(living.path)
    code = """
import sys
from pathlib import Path
from coder.record.store import RunStore
from coder.record.sweep import sweep
sweep(RunStore(Path(sys.argv[1])))
"""
    subprocess.run([sys.executable, "-c", code, str(store.home)], check=True, env=os.environ)
    assert all(path.exists() for path in left)
    living.close()
