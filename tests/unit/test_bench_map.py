"""The measurement of the map against aider's: what of it can be checked without aider."""

from __future__ import annotations

import re
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
    interpreter.write_text("#!/bin/sh\nwhile read task; do echo '[\"a.py:\", 1.0]'; done\n")
    interpreter.chmod(0o755)
    task: dict[str, Any] = {"paths": [], "words": [], "changed": ["a.py"]}
    monkeypatch.setattr(bench_map, "planted", lambda root: [task, task, task])
    monkeypatch.setattr(bench_map, "COLD", 1)
    monkeypatch.setattr(bench_map, "EDITS", 1)
    monkeypatch.setattr(bench_map, "fixtures", lambda: iter(()))
    monkeypatch.setattr(sys, "argv", ["bench_map", "bin/python", "--repo", str(repo)])
    monkeypatch.chdir(tmp_path)
    bench_map.main()
    said = capsys.readouterr().out
    assert "holds the file that must change: 3 of 3; aider's: 3 of 3" in said
    assert re.search(r"^after an edit .* against 1\.000 s$", said, re.MULTILINE), said
    assert (repo / "a.py").read_text() == "X = 1\n", "the copy is what is edited"


def test_a_map_holds_what_it_names_on_a_line_of_its_own() -> None:
    task = {"changed": ["a.py", "b/c.py"]}
    maps = ["a.py:\n1|X = 1\nb/c.py", "a.py:\nb/c.py:", "src/a.py:\nb/c.py:", "b/c.py:", ""]
    assert [bench_map.hits([text], [task]) for text in maps] == [1, 1, 0, 0, 0]


def test_a_process_that_ends_is_said_with_its_own_words(tmp_path: Path) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text("#!/bin/sh\necho no such module >&2\n")
    interpreter.chmod(0o755)
    with pytest.raises(SystemExit, match="no such module"), bench_map.theirs(str(interpreter), tmp_path) as ask:
        ask({"files": []})
