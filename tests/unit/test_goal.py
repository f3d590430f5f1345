"""What a request names, as the tests that must pass in the end."""

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coder.errors import CoderError, NothingToFix, UsageError
from coder.nodes.goal import Goal, failing_goal, named_goal
from coder.task import Request
from coder_tools.contract import CollectError, Collection, Outcome, TestResult
from coder_tools.logs import unusual

baseline = importlib.import_module("coder.nodes.baseline")  # in the package the name is that of the node
IDS = ("tests/test_a.py::test_red", "tests/test_a.py::test_skipped", "tests/test_a.py::test_xfailed")
OUTCOMES: dict[str, Outcome] = dict(zip(IDS, ("failed", "skipped", "xfailed"), strict=True))


def goal_of(**wanted: object) -> Goal:
    results = {i: TestResult(i, outcome) for i, outcome in OUTCOMES.items()}
    collection = Collection("pytest", "9", IDS, ())
    named = named_goal(Request(Path(), **wanted), collection, base=None)  # type: ignore[arg-type]
    return named or failing_goal(collection, results, base=None)  # type: ignore[arg-type]


def must_pass(**wanted: object) -> list[str]:
    return goal_of(**wanted).must_pass({i: TestResult(i, outcome) for i, outcome in OUTCOMES.items()})


def test_a_file_does_not_ask_for_its_skipped_tests() -> None:
    assert must_pass(goal="tests/test_a.py") == [IDS[0]]
    assert must_pass(tests=("tests/test_a.py",)) == [IDS[0]]


def test_a_skipped_test_that_is_named_itself_must_pass() -> None:
    assert must_pass(goal="test_skipped") == [IDS[1]]
    assert must_pass(tests=("test_red", "test_xfailed")) == [IDS[0], IDS[2]]
    assert must_pass(tests=("tests/test_a.py", "test_skipped")) == [IDS[0], IDS[1]]


def test_where_all_are_skipped_all_must_pass() -> None:
    results = {i: TestResult(i, "skipped") for i in IDS}
    assert Goal(IDS).must_pass(results) == list(IDS)


def test_no_goal_is_what_fails_and_so_is_prose() -> None:
    assert must_pass() == [IDS[0]]
    assert goal_of(goal="make it faster please").is_all
    assert not goal_of(goal="test_red").is_all


def test_a_test_that_failed_in_a_file_that_could_not_run_is_in_the_goal_once() -> None:
    error = CollectError("test/a.js", "not done in time", ("test/a.js::red", "test/a.js::silent"))
    collection = Collection("node:test", "", ("test/a.js::red",), (error,))
    results = {"test/a.js::red": TestResult("test/a.js::red", "timeout")}
    assert failing_goal(collection, results, base=None).ids == error.tests  # type: ignore[arg-type]


def test_what_did_not_run_does_not_pass() -> None:
    collection = Collection("pytest", "9", IDS, ())
    ran = {IDS[1]: TestResult(IDS[1], "passed")}
    with pytest.raises(CoderError, match="none of the 1 tests that ran fails, and 2 did not run") as raised:
        failing_goal(collection, ran, base=None)  # type: ignore[arg-type]
    assert not isinstance(raised.value, NothingToFix)
    with pytest.raises(NothingToFix):
        failing_goal(collection, dict.fromkeys(IDS, ran[IDS[1]]), base=None)  # type: ignore[arg-type]


def test_where_nothing_fails_so_far_the_rest_of_the_suite_runs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = tuple("abcdef")
    asked: list[list[str]] = []

    def run(session: object, wanted: list[str], label: str, limit: float) -> dict[str, TestResult]:
        asked.append(list(wanted))
        return {i: TestResult(i, "failed" if i == "d" else "passed") for i in wanted[:2]}

    monkeypatch.setattr(baseline, "_run", run)
    session = SimpleNamespace(budget=SimpleNamespace(remaining=lambda: 40.0))
    first = {"a": TestResult("a", "passed"), "b": TestResult("b", "skipped")}
    more = baseline._until_one_fails(session, Collection("pytest", "9", ids, ()), first)  # type: ignore[arg-type]
    assert asked == [list("cdef")] and [i for i in more if more[i].outcome == "failed"] == ["d"]
    asked.clear()
    failing = {"a": TestResult("a", "failed")}
    assert baseline._until_one_fails(session, Collection("pytest", "9", ids, ()), failing) == {}  # type: ignore[arg-type]
    assert not asked, "what fails is the goal, and the time is for its repair"


def test_lines_that_were_lost_are_asked_for_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def run(session: object, wanted: list[str], label: str, limit: float, **more: object) -> dict[str, TestResult]:
        asked.append((list(wanted), more))
        return {"a": TestResult("a", "failed", coverage={"lib.py": frozenset({1})}), "b": TestResult("b", "failed")}

    monkeypatch.setattr(baseline, "_run", run)
    session: Any = SimpleNamespace(budget=SimpleNamespace(remaining=lambda: 40.0), suite=SimpleNamespace(traces=True))
    first = {"a": TestResult("a", "failed"), "b": TestResult("b", "timeout"), "x": TestResult("x", "passed")}
    lost = {"x": TestResult("x", "passed", coverage={"lib.py": frozenset({2})})}
    assert list(baseline._lost_lines(session, first, ["a", "b", "gone"], lost)) == ["a"]
    assert asked == [(["a", "b"], {"coverage": ["a", "b"], "limits": {"b": baseline.LOOPING}})]
    asked.clear()
    there = {"b": TestResult("b", "timeout", coverage={"lib.py": frozenset({3})})}
    assert baseline._lost_lines(session, first, ["a", "b"], there) == {} and not asked
    session.suite.traces = False
    assert baseline._lost_lines(session, first, ["a", "b"], {}) == {} and not asked


def junit(place: Path, text: str, encoding: str = "utf-8") -> str:
    report = place / "report.xml"
    report.write_text(text, encoding=encoding)
    return str(report)


CASE = '<testcase classname="tests.test_a" name="{}"><failure/></testcase>'


def test_a_report_names_its_failures_one_by_one(tmp_path: Path) -> None:
    report = junit(tmp_path, f"<testsuite>{CASE.format('test_red')}{CASE.format('test_skipped')}</testsuite>")
    assert must_pass(junit=report) == [IDS[0], IDS[1]]


@pytest.mark.parametrize("name", ["sums", "Cart sums"])
def test_a_report_of_another_language_names_suites_and_tests_its_own_way(tmp_path: Path, name: str) -> None:
    ids = ("a.test.js::Cart::sums", "a.test.js::Cart::counts")
    report = junit(tmp_path, f'<testsuite><testcase classname="Cart" name="{name}"><failure/></testcase></testsuite>')
    request = Request(repo=tmp_path, junit=report)
    collection = Collection("jest", "", ids)
    found = named_goal(request, collection, base=None)  # type: ignore[arg-type]
    assert found is not None and found.ids == ids[:1]


def test_a_failure_that_is_not_here_is_said(tmp_path: Path) -> None:
    report = junit(tmp_path, f"<testsuite>{CASE.format('test_red')}{CASE.format('test_gone')}</testsuite>")
    with pytest.raises(UsageError, match=r"1 of its 2 failed tests are not in .*:\n  tests.test_a.test_gone"):
        goal_of(junit=report)


def test_a_report_without_failures_is_nothing_to_fix(tmp_path: Path) -> None:
    with pytest.raises(NothingToFix, match="no test fails in the report"):
        goal_of(junit=junit(tmp_path, '<testsuite><testcase classname="a" name="b"/></testsuite>'))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_report_may_declare_no_entities(tmp_path: Path, encoding: str) -> None:
    text = f'<!DOCTYPE t [<!ENTITY a "b">]><testsuite>{CASE.format("test_red")}</testsuite>'
    with pytest.raises(UsageError):
        goal_of(junit=junit(tmp_path, text, encoding))


def test_a_failure_text_may_hold_anything(tmp_path: Path) -> None:
    case = '<testcase classname="tests.test_a" name="test_red"><failure><![CDATA[<!ENTITY>]]></failure></testcase>'
    assert must_pass(junit=junit(tmp_path, f"<testsuite><!-- <!x> -->{case}</testsuite>")) == [IDS[0]]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        ("skipped", "t.py::test is skipped: needs a printer"),
        ("xfailed", "t.py::test is expected to fail: needs a printer"),
        ("crashed", "t.py::test ends the process it runs in: needs a printer"),
        ("failed", ""),
        ("passed", ""),
    ],
)
def test_why_a_test_does_not_pass_is_said_where_it_does_not_fail(outcome: Outcome, words: str) -> None:
    assert unusual(TestResult("t.py::test", outcome, message="needs a\n printer")) == words
