"""--image-file: pictures go to models that take them, and others are told plainly that they cannot."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder.cli.main import main
from coder.models.images import data_url
from coder.record.result import Result

FILES = {"a.py": "X = 1\n", "tests/test_a.py": "from a import X\n\ndef test_goal():\n    assert X == 2\n"}
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "failure.png"
    path.write_bytes(PNG)
    return path


def test_without_a_model_nobody_can_see_it(
    make: Callable[..., Path], fix: Callable[..., Result], picture: Path
) -> None:
    result = fix(make(FILES), "test_goal", pictures=(str(picture),))
    assert result.exit_code == 2 and "--image-file: there is no model to see them" in result.reason


def test_a_model_that_takes_none_is_said(
    make: Callable[..., Path],
    fix: Callable[..., Result],
    picture: Path,
    fake_ollama: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake_ollama().url)
    result = fix(make(FILES), "test_goal", pictures=(str(picture),), model="ollama:gemma4:e4b")
    assert result.exit_code == 2 and "ollama:gemma4:e4b takes no pictures" in result.reason


@pytest.mark.parametrize(("name", "words"), [("gone.png", "no such file"), ("notes.txt", "not a picture")])
def test_what_is_no_picture_is_refused(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("x")
    argv = ["coder", "fix", "--repo", str(tmp_path), "--image-file", str(tmp_path / name), "--model", "none"]
    monkeypatch.setattr(sys, "argv", argv)
    assert main() == 2
    assert words in capsys.readouterr().err


def test_a_picture_is_sent_as_it_is(picture: Path) -> None:
    assert data_url(str(picture)) == "data:image/png;base64,iVBORw0KGgo="
