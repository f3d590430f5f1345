"""A finding says in few words what the tests said in many."""

from __future__ import annotations

import json

import pytest

from coder_tools.contract import Frame, TestResult
from coder_tools.logs import expectation, finding


@pytest.mark.parametrize(
    ("message", "expected", "actual"),
    [
        ("AssertionError: assert 3 == 4\n +  where 3 = f(2)", "4", "3"),
        ("AssertionError: assert 4 == 3\n +  where 3 = f(2)", "4", "3"),
        ("AssertionError: custom\nassert 2 == 3\n +  where 2 = f(1)", "3", "2"),
        ("AssertionError: assert 'a' in 'bcd'", "something in 'bcd'", "'a'"),
        ("AssertionError: assert 3 <= 2", "at most 2", "3"),
        ("AssertionError: assert not 2\n +  where 2 = f(1)", "something false", "2"),
        ("AssertionError: assert <P at 1> == 3", "3", "<P at 1>"),
        ("AssertionError: assert 2 == 3.1 ± 3.1e-06\n  Obtained: 2", "3.1 ± 3.1e-06", "2"),
        ("AssertionError: assert 'a == b' == 'c'", "'c'", "'a == b'"),
        (
            "def test():\n>       assert f() == 4\nE       assert 3 == 4\nE        +  where 3 = f()\n\na.py:3: E",
            "4",
            "3",
        ),
        ("Failed: DID NOT RAISE ValueError", "ValueError to be raised", "no exception"),
        ("AssertionError: 2 != 3", "3", "2"),
        ("AssertionError: 2 != 3 : for this reason", "3", "2"),
        ("AssertionError: 1.0 != 1.1 within 7 places (0.1 difference)", "1.1", "1.0"),
        ("AssertionError: Lists differ: [1, 2] != [1, 3]\n\nFirst differing element 1:\n2\n3", "[1, 3]", "[1, 2]"),
        ("AssertionError: 1 not found in [2]", "something in [2]", "1"),
        ("AssertionError: 0 is not true", "true", "0"),
        ("AssertionError: ValueError not raised by f", "ValueError to be raised", "no exception"),
        ("AssertionError: 1 not greater than 2", "greater than 2", "1"),
        ("Traceback (most recent call last):\n  File 'a.py'\nAssertionError: 2 != 3", "3", "2"),
        ("KeyError: 'k'", "", ""),
        ("ValueError: 2 != 3", "", ""),
        ("AssertionError", "", ""),
        ("", "", ""),
        ("AssertionError: assert " + "(" * 5000, "", ""),
    ],
)
def test_expected_and_actual_are_read_from_assertions(message: str, expected: str, actual: str) -> None:
    assert expectation(message) == (expected, actual)


def test_the_finding_is_about_the_first_goal_test_that_fails() -> None:
    frames = (Frame("tests/test_a.py", 4, "test_b"), Frame("src/a.py", 12, "add"), Frame("tests/util.py", 3, "check"))
    results = [
        TestResult("t::a", "passed"),
        TestResult(
            "t::b", "failed", message="\x1b[31mAssertionError: assert 1 == 2", exception="AssertionError", frames=frames
        ),
        TestResult("t::x", "error"),
        TestResult("t::y", "skipped"),
    ]
    found = finding(results, ["t::a", "t::b", "t::gone"])
    assert (found.test, found.outcome, found.exception) == ("t::b", "failed", "AssertionError")
    assert (found.expected, found.actual) == ("2", "1")
    assert (found.path, found.line, found.function) == ("src/a.py", 12, "add"), "the project's code, not the tests'"
    assert (found.passed, found.failing, found.others) == (1, ("t::b", "t::gone"), ("t::x",))
    assert "\x1b" not in found.message
    words = found.words()
    assert "expected: 2" in words and "src/a.py:12" in words and "t::gone" in words and "t::x" in words
    assert json.loads(json.dumps(found.to_dict())) == found.to_dict()


def test_a_goal_test_that_was_not_run_or_was_skipped_fails() -> None:
    found = finding([TestResult("t::a", "skipped")], ["t::a", "t::b"])
    assert found.failing == ("t::a", "t::b") and found.outcome == "skipped"
    assert finding([], ["t::b"]).outcome == "missing"


def test_a_finding_of_success_names_what_broke_elsewhere() -> None:
    assert finding([TestResult("t::a", "passed")], ["t::a"]).words() == "All 1 goal tests pass."
    found = finding([TestResult("t::a", "passed"), TestResult("t::z", "failed", message="KeyError: 1")], ["t::a"])
    assert found.test == "" and found.others == ("t::z",) and "t::z" in found.words()


def test_huge_messages_are_cut_and_the_cut_is_counted() -> None:
    result = TestResult(
        "t", "failed", message="AssertionError: assert " + repr("x" * 9_000) + " == 1", exception="AssertionError"
    )
    found = finding([result], ["t"])
    assert len(found.words()) < 3000
    assert "characters left out" in found.message and "characters left out" in found.actual
