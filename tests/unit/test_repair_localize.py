"""Which lines are suspected: by coverage, by the traceback, by names, and by the message where nothing ran."""

from __future__ import annotations

from coder.repair.contract import Suspect
from coder.repair.localize import COVERAGE, hit_rates, localize
from coder_tools.contract import Frame, TestResult

SOURCE = b"""\
def add(a, b):
    total = (a +
             b)
    return total


def parse_number(text):
    if not text:
        return 0
    return int(text)
"""


def is_source(path: str) -> bool:
    return path in ("m.py", "pkg/mod.py")


def read(path: str) -> bytes:
    return {"m.py": SOURCE}[path]


def result(name: str, lines: set[int], outcome: str = "passed", **more: object) -> TestResult:
    coverage = {"m.py": frozenset(lines), "test_m.py": frozenset({1})}
    return TestResult(f"test_m.py::{name}", outcome, coverage=coverage, **more)  # type: ignore[arg-type]


def test_lines_of_the_failing_test_alone_come_first() -> None:
    results = [result("test_x", {2, 4}, "failed"), result("test_y", {2}), result("test_z", {2, 8})]
    found = localize(results, ["test_m.py::test_x"], is_source)
    assert [(s.path, s.line) for s in found] == [("m.py", 4), ("m.py", 2)]
    assert found[0].score == COVERAGE
    assert "1 of 1 failing and 0 of 2 passing" in found[0].reasons[0]


def test_only_source_is_suspected() -> None:
    found = localize([result("test_x", {2}, "failed")], ["test_m.py::test_x"], is_source)
    assert {s.path for s in found} == {"m.py"}


def test_the_deepest_source_frame_is_raised_most() -> None:
    frames = (Frame("test_m.py", 1, "t"), Frame("m.py", 8, "parse_number"), Frame("m.py", 4, "add"))
    results = [result("test_x", {2, 4, 8}, "failed", frames=frames), result("test_y", {2, 4, 8})]
    found = localize(results, ["test_m.py::test_x"], is_source)
    assert [s.line for s in found] == [4, 8, 2]
    assert "deepest frame" in " ".join(found[0].reasons)


def test_a_function_named_like_the_test_is_raised() -> None:
    results = [result("test_parse_number", {2, 8}, "failed"), result("test_y", {2, 8})]
    found = localize(results, ["test_m.py::test_parse_number"], is_source, read)
    assert [s.line for s in found] == [8, 2]
    assert "parse_number" in " ".join(found[0].reasons)


def test_lines_of_one_statement_are_one_suspect() -> None:
    found = localize([result("test_x", {2, 3, 4}, "failed")], ["test_m.py::test_x"], is_source, read)
    assert [s.line for s in found] == [2, 4]


def test_without_coverage_the_traceback_and_the_message_speak() -> None:
    message = "File \"/home/me/m.py\", line 8, in <module>\nImportError: cannot import name 'q' from 'pkg.mod'"
    failure = TestResult("test_m.py", "error", message=message, frames=(Frame("m.py", 2, ""),))
    found = localize([failure], ["test_m.py"], is_source, read)
    assert [(s.path, s.line) for s in found][:2] == [("m.py", 2), ("m.py", 8)]


def test_a_passing_goal_and_an_empty_run_suspect_nothing() -> None:
    assert localize([result("test_x", {2})], ["test_m.py::test_x"], is_source) == []
    assert localize([], ["test_m.py::test_x"], is_source) == []


def test_scores_are_shares_and_ties_keep_the_order_of_lines() -> None:
    frames = (Frame("m.py", 4, "add"),)
    found = localize([result("test_x", {8, 2, 4}, "failed", frames=frames)], ["test_m.py::test_x"], is_source, read)
    assert all(0.0 <= s.score <= 1.0 for s in found)
    assert [s.line for s in found] == [4, 2, 8]


TEST_SOURCE = b"""\
from m import add, parse_number


def test_sum():
    seen = add(1, 2)
    other = parse_number("4")
    assert seen == 4
"""


def test_the_function_whose_result_the_assertion_looks_at_is_raised() -> None:
    frames = (Frame("test_m.py", 7, "test_sum"),)
    failing = result("test_sum", {2, 4, 8, 10}, "failed", frames=frames)
    sources = {"m.py": SOURCE, "test_m.py": TEST_SOURCE}
    found = localize([failing], ["test_m.py::test_sum"], is_source, sources.__getitem__)
    assert [s.line for s in found] == [4, 2, 8, 10]
    assert found[1].score > found[2].score
    assert "`add`, whose result" in " ".join(found[0].reasons)
    assert "whose result" not in " ".join(found[2].reasons)


def test_a_line_that_was_changed_not_long_ago_is_raised() -> None:
    results = [result("test_x", {2, 4}, "failed"), result("test_y", {2, 4})]
    found = localize(results, ["test_m.py::test_x"], is_source, changed={("m.py", 4): 1.0, ("m.py", 9): 1.0})
    assert [s.line for s in found] == [4, 2]
    assert "changed not long ago" in found[0].reasons


def test_hit_rates() -> None:
    ranked = [[Suspect("m.py", line, 1.0) for line in lines] for lines in ((3, 4), (9, 3), (7,))]
    assert hit_rates(ranked, [("m.py", 3)] * 3, (1, 2)) == [1 / 3, 2 / 3]
    assert hit_rates([], [], (1,)) == [0.0]
