"""What cannot be fixed is never said to be: a sample of eval_repos/impossible; `coder eval` runs the whole set."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Event

import pytest

from coder.evaluate.attempt import Settings, attempt
from coder.evaluate.dataset import load

IMPOSSIBLE = {each.id: each for each in load(Path(__file__).parents[2] / "eval_repos" / "impossible")}
SAMPLE = ("stack_size",)  # tests that contradict each other
SECONDS = 12.0


@pytest.mark.bwrap
@pytest.mark.parametrize("name", SAMPLE)
def test_not_fixed(name: str, target_env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("PATH", f"{target_env / 'bin'}{os.pathsep}{os.environ['PATH']}")
    settings = Settings(sandbox="bwrap", model="none", time=SECONDS)
    outcome = attempt(IMPOSSIBLE[name], settings, tmp_path / "home", tmp_path / "log", Event())
    assert outcome.status == "not_fixed", outcome.reason
    assert outcome.candidates > 0 and outcome.patch == "", "nothing was tried, so nothing is shown"
