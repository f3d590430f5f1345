"""What counts as progress of a candidate that fails."""

from __future__ import annotations

import pytest

from coder.repair.partial import MOVED_ON, TURNED_GREEN, green, progress
from coder_tools.contract import CandidateResult, Frame, TestResult

BEFORE = {
    "a": TestResult("a", "failed", exception="KeyError", frames=(Frame("t.py", 10, "test_a"), Frame("m.py", 3, "f"))),
    "b": TestResult("b", "failed", exception="AssertionError", frames=(Frame("t.py", 20, "test_b"),)),
}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (CandidateResult("k", "failed", 1, "b", exception="AssertionError", line=20), TURNED_GREEN),
        (CandidateResult("k", "failed", 0, "a", exception="KeyError", line=11), MOVED_ON),
        (CandidateResult("k", "failed", 0, "a", exception="AssertionError", line=10), MOVED_ON),
        (CandidateResult("k", "failed", 0, "a", exception="KeyError", line=10), 0),
        (CandidateResult("k", "failed", 0, "a", exception="TypeError", line=10), 0),  # another fault is no progress
        (CandidateResult("k", "failed", 0, "a", exception="KeyError", line=9), 0),
        (CandidateResult("k", "failed", 0, "b", exception="AssertionError", line=20), 0),
        (CandidateResult("k", "failed", 0, "", line=99), 0),
        (CandidateResult("k", "goal", 2, "c", line=99), 0),  # it breaks what passed
        (CandidateResult("k", "timeout", 1, "b"), 0),
    ],
)
def test_progress(result: CandidateResult, expected: int) -> None:
    assert progress(result, BEFORE, 0) == expected


def test_a_test_that_passed_already_is_none() -> None:
    assert progress(CandidateResult("k", "failed", 1, "b", exception="AssertionError", line=20), BEFORE, 1) == 0


def test_how_many_pass_is_counted_up_to_the_first_that_does_not() -> None:
    results = {"a": TestResult("a", "passed"), "b": TestResult("b", "failed"), "c": TestResult("c", "passed")}
    assert green(["a", "b", "c"], results) == 1
    assert green(["c", "a"], results) == 2
    assert green(["missing", "a"], results) == 0
