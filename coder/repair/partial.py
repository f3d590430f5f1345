"""Partial success: which candidates that fail have come further than what they stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coder_tools.contract import CandidateResult, TestResult

TURNED_GREEN, MOVED_ON = 2, 1


def progress(result: CandidateResult, before: Mapping[str, TestResult], green: int) -> int:
    """TURNED_GREEN if more goal tests pass, in their order, than the `green` that did; MOVED_ON if the test that fails
    does so on a later line of its own, or at an assertion after an exception of the code; else 0.

    `before`: the goal tests' results without the candidate.
    """
    if result.verdict != "failed":
        return 0
    if result.goal_passed > green:
        return TURNED_GREEN
    old = before.get(result.failed_test)
    if old is None or old.passed:
        return 0
    later = bool(old.frames) and result.line > old.frames[0].line
    further = result.exception == "AssertionError" and old.exception not in ("AssertionError", "")
    return MOVED_ON if later or further else 0


def green(goal: Sequence[str], results: Mapping[str, TestResult]) -> int:
    """How many of the goal tests pass, up to the first that does not."""
    count = 0
    for test in goal:
        if test not in results or not results[test].passed:
            break
        count += 1
    return count
