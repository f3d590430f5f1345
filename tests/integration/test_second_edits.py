"""Where one edit is not enough: a second on the best first one, and several causes one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder import run
from coder.policies import search
from coder.record.events import Event
from coder.record.result import Result
from coder.record.store import RunStore
from coder.repair.contract import Candidate
from coder.repair.partial import MOVED_ON, TURNED_GREEN
from coder.task import Request
from coder_tools.contract import Splice

LIB = """\
def largest(sizes):
    return min(sizes)


def spread(sizes):
    return max(sizes) + min(sizes)


def count(sizes):
    return len(sizes)
"""
OTHERS = """\
from lib import count, largest, spread

def test_count():
    assert count([1, 2]) == 2

def test_one():
    assert largest([4]) == 4

"""
ONE_TEST = """\
def test_figures():
    assert largest([3, 1, 2]) == 3
    assert largest([5, 7]) == 7
    assert spread([3, 1, 2]) == 2
    assert spread([5, 5]) == 0
"""
TWO_TESTS = """\
def test_largest():
    assert largest([3, 1, 2]) == 3
    assert largest([5, 7]) == 7

def test_spread():
    assert spread([3, 1, 2]) == 2
    assert spread([5, 5]) == 0
"""


@pytest.fixture
def fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target_env: Path) -> Callable[..., Result]:
    """Runs a fix over these tests and the library, without a model and without a sandbox."""
    monkeypatch.setenv("VIRTUAL_ENV", str(target_env))

    def go(tests: str, listen: Callable[[Event], None] = lambda event: None, **more: Any) -> Result:
        repo = tmp_path / "repo"
        (repo / "tests").mkdir(parents=True, exist_ok=True)
        (repo / "lib.py").write_text(LIB)
        (repo / "tests/test_lib.py").write_text(OTHERS + tests)
        request = Request(repo=repo, **{"model": "none", "sandbox": "none", "time": 240.0, **more})
        return run.fix(request, RunStore(tmp_path / "home"), listen)

    return go


def assert_both_are_fixed(result: Result) -> None:
    assert result.status == "fixed", result.reason
    assert "+    return max(sizes)" in result.patch
    assert "+    return max(sizes) - min(sizes)" in result.patch
    assert result.explanation.count("In `") == 2, result.explanation


def test_a_first_edit_that_moves_the_failure_on_gets_a_second(fix: Callable[..., Result]) -> None:
    events: list[Event] = []
    assert_both_are_fixed(fix(ONE_TEST, events.append))
    assert any((e.node, e.kind) == ("edit", "standing") for e in events)


def test_failing_tests_with_different_causes_are_fixed_one_after_the_other(fix: Callable[..., Result]) -> None:
    result = fix(TWO_TESTS)
    assert_both_are_fixed(result)
    assert result.verification.goal_passed == 2


def test_what_cannot_be_fixed_wholly_gives_the_best_that_was_reached_and_does_not_call_it_fixed(
    fix: Callable[..., Result],
) -> None:
    impossible = TWO_TESTS.replace("spread([5, 5]) == 0", "spread([5, 5]) == 0 and spread([5, 5]) == 1")
    result = fix(impossible, time=60.0)
    assert result.status == "not_fixed"
    assert "+    return max(sizes)" in result.patch
    assert "1 of 2 goal tests" in result.reason


@pytest.mark.parametrize("kind", ["standing", "batch"])
def test_it_goes_on_where_it_was_interrupted(fix: Callable[..., Result], tmp_path: Path, kind: str) -> None:
    seen: list[Event] = []

    def interrupt(event: Event) -> None:
        seen.append(event)
        standing = any(e.kind == "standing" for e in seen)
        if event.kind == kind and standing:
            raise KeyboardInterrupt

    result = fix(ONE_TEST, interrupt)
    assert result.status == "interrupted"
    assert_both_are_fixed(run.resume(result.run_id, RunStore(tmp_path / "home"), lambda event: None))


def test_what_was_kept_is_given_up_when_nothing_helps_on_it(
    fix: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = LIB.index("min(sizes)")

    def instead(text: str) -> Candidate:
        return Candidate(text, Splice("lib.py", start, start + len("min(sizes)"), text), "wrap", 2, 0.0, text)

    def proposed(read: Callable[[str], bytes], *args: Any, **more: Any) -> list[Candidate]:
        return [instead("sizes[0]"), instead("max(sizes)")] if read("lib.py") == LIB.encode() else []

    monkeypatch.setattr(search, "propose", proposed)
    monkeypatch.setattr(search, "FIRST_BATCH", 1)
    monkeypatch.setattr(search, "BATCH", 1)
    monkeypatch.setattr(search, "TRIAL_AFTER", {TURNED_GREEN: 1, MOVED_ON: 9})
    result = fix("def test_a():\n    assert largest([3, 1]) == 3\n\ndef test_b():\n    assert largest([5, 7]) == 7\n")
    assert result.status == "fixed", result.reason
    assert "+    return max(sizes)" in result.patch
