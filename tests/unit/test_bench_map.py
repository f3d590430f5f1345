"""The measurement of the map against aider's: what of it can be checked without aider."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import bench_map


def test_the_other_interpreter_may_be_named_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "a.py").write_text("X = 1\n")
    interpreter = tmp_path / "bin" / "python"
    interpreter.parent.mkdir()
    interpreter.write_text('#!/bin/sh\nprintf \'[["a.py:", 2.0], ["a.py:", 1.0], ["a.py:", 1.0]]\\n\'\n')
    interpreter.chmod(0o755)
    task: dict[str, Any] = {"paths": [], "words": [], "changed": ["a.py"]}
    monkeypatch.setattr(bench_map, "planted", lambda root: [task, task, task])
    monkeypatch.setattr(bench_map, "fixtures", lambda: iter(()))
    monkeypatch.setattr(sys, "argv", ["bench_map", "bin/python", "--repo", str(repo)])
    monkeypatch.chdir(tmp_path)
    bench_map.main()
    assert "holds the file that must change: 3 of 3; aider's: 3 of 3" in capsys.readouterr().out
