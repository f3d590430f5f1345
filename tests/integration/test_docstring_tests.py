"""Examples in the docstrings of the code under test: the code is repaired, and the examples are not bent to pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder import run
from coder.policies.contract import Edit
from coder.record.store import RunStore
from coder.task import Request

WORDS = '''\
def initials(name):
    """First letters.

    >>> initials("ada lovelace")
    'AL'
    """
    return "".join(w[0].lower() for w in name.split())


def double(n):
    return n * 2
'''
FILES = {
    "pytest.ini": "[pytest]\naddopts = --doctest-modules\n",
    "words.py": WORDS,
    "test_words.py": "from words import double\n\n\ndef test_double():\n    assert double(2) == 4\n",
}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target_env: Path) -> Path:
    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))
    place = tmp_path / "repo"
    place.mkdir()
    for name, text in FILES.items():
        (place / name).write_text(text)
    return place


def test_the_code_is_repaired(repo: Path, tmp_path: Path) -> None:
    request = Request(repo, "", model="none", sandbox="none", time=60.0)
    result = run.fix(request, RunStore(tmp_path / "home"), lambda event: None)
    assert result.status == "fixed", result.reason
    assert result.goal_tests == ["words.py::words.initials"]
    assert ".upper()" in result.patch


@pytest.mark.parametrize("allowed", [False, True])
def test_a_change_of_the_examples_does_not_count(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripted_policy: Callable[..., Any], allowed: bool
) -> None:
    bent = WORDS.replace("'AL'", "'al'").encode()
    policy = scripted_policy([lambda view: Edit(changes={"words.py": bent}, wants="test")])
    monkeypatch.setattr(run, "_policy", lambda request: (policy, "scripted", "test"))
    request = Request(repo, "", model="none", sandbox="none", time=60.0, allow_test_edits=allowed)
    result = run.fix(request, RunStore(tmp_path / "home"), lambda event: None)
    assert (result.status, bool(result.patch)) == (("fixed", True) if allowed else ("not_fixed", False)), result.reason
