"""Candidates side by side: what the tests call, varied, and what the base and each candidate do with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from coder_tools.contract import Compared, Input, Splice
from coder_tools.testing import Suite

LIB = """\
import random
class Box:
    def __init__(self, items): self.items = items
    def cheapest(self, least=0):
        return max(i for i in self.items if i > least)
def clamp(x, low, high):
    if x < low:
        return low
    return x
def wrap(xs):
    yield from (clamp(x, 0, 10) for x in xs)
def drain(xs):
    while xs:
        xs.pop()
    return len(xs)
LIMIT = 3
"""
TESTS = """\
import lib
def test_box(): assert lib.Box([3, 1, 2]).cheapest() == 1
def test_high(): assert lib.clamp(12, 0, 10) == 10
def test_low(): assert lib.clamp(-2, 0, 10) == 0
def test_mid(): assert lib.clamp(3, 0, 10) == 3
def test_wrap(): assert list(lib.wrap([1, -3])) == [1, 0]
def test_drain(): assert lib.drain([1, 2]) == 1
"""
RIGHT = "return min(x, high)"
SPECIAL = "return high if x == 12 else x"


def test_id(name: str) -> str:
    return f"tests/test_lib.py::{name}"


test_id.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture
def suite(open_suite: Callable[..., Suite]) -> Suite:
    opened = open_suite({"lib.py": LIB, "tests/test_lib.py": TESTS})
    assert opened.open_warm([test_id("test_high")], 2) == ""
    return opened


def compare(
    suite: Suite,
    candidates: dict[str, tuple[str, str]],
    failing: str = "test_high",
    passing: Sequence[str] = ("test_low", "test_mid", "test_wrap"),
    **more: Any,
) -> Compared:
    data = LIB.encode()
    asked = [
        (key, [Splice("lib.py", start := data.index(old.encode()), start + len(old.encode()), new)])
        for key, (old, new) in candidates.items()
    ]
    options: dict[str, Any] = {"test_files": ["tests/test_lib.py"], "seed": 0, "timeout": 30.0, **more}
    return suite.compare(asked, passing=[*map(test_id, passing)], failing=[test_id(failing)], **options)


def two(old: str, first: str, second: str) -> dict[str, tuple[str, str]]:
    return {"A": (old, first), "B": (old, second)}


def words(given: Input) -> dict[str, str]:
    return {key: did.words for key, did in given.did.items()}


def test_the_calls_of_the_tests_are_made_by_base_and_candidates(suite: Suite) -> None:
    compared = compare(suite, two("return x\n", RIGHT + "\n", SPECIAL + "\n"))
    assert compared.why_not == ""
    recorded = {(i.function, i.arguments): i for i in compared.inputs if not i.varied}
    goal = recorded["clamp", "12, 0, 10"]
    assert words(goal) == {"": "12", "A": "10", "B": "10"}
    assert (goal.module, goal.path, goal.literal, goal.entry, goal.passing) == ("lib", "lib.py", True, True, False)
    assert recorded["clamp", "3, 0, 10"].passing
    assert words(recorded["wrap", "[1, -3]"]) == dict.fromkeys(["", "A", "B"], "iterator([1, 0])")
    assert not recorded["clamp", "-3, 0, 10"].entry  # made by wrap


def test_neighbours_tell_candidates_apart_that_the_tests_do_not(suite: Suite) -> None:
    compared = compare(suite, two("return x\n", RIGHT + "\n", SPECIAL + "\n"))
    apart = [i for i in compared.inputs if not i.did["A"].same_as(i.did["B"])]
    assert apart and all(i.varied for i in apart)


def test_the_same_seed_gives_the_same_inputs(suite: Suite) -> None:
    first = compare(suite, two("return x\n", RIGHT + "\n", SPECIAL + "\n"))
    again = compare(suite, two("return x\n", RIGHT + "\n", SPECIAL + "\n"))
    other = compare(suite, two("return x\n", RIGHT + "\n", SPECIAL + "\n"), seed=1)
    assert first == again
    assert [i.arguments for i in first.inputs] != [i.arguments for i in other.inputs]


def test_a_method_has_its_object_and_an_exception_is_a_behaviour(suite: Suite) -> None:
    compared = compare(suite, two("max(", "min(", "sum("), failing="test_box", passing=())
    assert {(i.function, i.receiver) for i in compared.inputs} == {("Box.cheapest", "Box(items=[3, 1, 2])")}
    empty = next(i for i in compared.inputs if i.did[""].kind == "raises")
    assert empty.did["A"].words.startswith("ValueError")
    assert empty.did["A"].same_as(empty.did[""]) and not empty.did["A"].same_as(empty.did["B"])


def test_what_a_call_does_to_its_arguments_counts(suite: Suite) -> None:
    compared = compare(
        suite, two("        xs.pop()\n", "        return 1\n", "        xs.pop(); return 1\n"), "test_drain"
    )
    given = next(i for i in compared.inputs if not i.varied)
    assert given.did["A"].words == "1"
    assert given.did["B"].words == "1, and its arguments become xs=[1]"
    assert not given.did["A"].same_as(given.did["B"])


def test_a_call_without_end_is_cut_by_processor_time(suite: Suite) -> None:
    compared = compare(suite, two("        xs.pop()\n", "        pass\n", "        return 1\n"), "test_drain", ())
    assert {i.did["A"].kind for i in compared.inputs if i.arguments != "[]"} == {"hangs"}


def test_a_failing_test_without_an_end_is_recorded_as_far_as_it_goes(open_suite: Callable[..., Suite]) -> None:
    lib = "def less(n):\n    return n\n\n\ndef down(n):\n    while n > 0:\n        n = less(n)\n    return n\n"
    suite = open_suite({"lib.py": lib, "test_lib.py": "import lib\ndef test_down(): assert lib.down(3) == 0\n"})
    test = "test_lib.py::test_down"
    assert not suite.open_warm([test], workers=1)
    at = lib.index("return n") + len("return n")
    found = suite.compare(
        [("less", [Splice("lib.py", at, at, " - 1")])],
        passing=[],
        failing=[test],
        test_files=["test_lib.py"],
        seed=1,
        timeout=20,
    )
    own = [given for given in found.inputs if not given.varied and given.function == "less"]
    assert [(given.arguments, given.did["less"].words) for given in own] == [("3", "2")]


def test_what_is_no_change_of_a_body_is_left_out_and_the_reason_said(suite: Suite) -> None:
    compared = compare(suite, two("LIMIT = 3", "LIMIT = 4", "LIMIT = 5"))
    assert (compared.inputs, compared.why_not) == ((), "none of them changes only the bodies of functions")
    compared = compare(suite, {"A": ("return x\n", RIGHT + "\n"), "B": ("LIMIT = 3", "LIMIT = 4")})
    assert {key for i in compared.inputs for key in i.did} == {"", "A"}


def test_a_candidate_that_kills_its_process_harms_no_other(suite: Suite) -> None:
    fatal = "import os; os.kill(0, 9)"
    compared = compare(suite, two("return x\n", RIGHT + "\n", fatal + "\n"))
    assert all("B" in i.did for i in compared.inputs)  # what it got to
    compared = compare(suite, two("return x\n", RIGHT + "\n", SPECIAL + "\n"))
    assert compared.inputs and compared.why_not == ""


def test_checks_go_on_after_a_comparison(suite: Suite) -> None:
    compare(suite, two("return x\n", RIGHT + "\n", SPECIAL + "\n"))
    start = LIB.index("return x\n")
    [result] = suite.check([("A", [Splice("lib.py", start, start + 8, RIGHT)], [test_id("test_low")], 5.0)], 30.0)
    assert result.verdict == "plausible"


def test_without_a_warm_process_the_reason_is_said(open_suite: Callable[..., Suite]) -> None:
    spawning = "import subprocess, sys, lib\ndef test_high(): subprocess.run([sys.executable, '-V']); assert 0\n"
    opened = open_suite({"lib.py": LIB, "tests/test_lib.py": spawning})
    assert opened.open_warm([test_id("test_high")], 2) != ""
    compared = compare(opened, two("return x\n", RIGHT + "\n", SPECIAL + "\n"), passing=())
    assert compared.inputs == () and "starts a process" in compared.why_not


def test_code_that_is_no_longer_reached_is_counted(suite: Suite) -> None:
    compared = compare(suite, two("x < low", "x <= low", "x < low - 99"))
    assert compared.unreached["A"] == compared.unreached[""] == 0
    assert compared.unreached["B"] == 1
