"""What is asked of a runner and believed of its words, with a sandbox and a runner that play a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox.contract import ExecResult, Workspace
from coder_tools.contract import TestResult
from coder_tools.runners.command import AnyCommand
from coder_tools.runners.contract import Broken, Call, Command, Project, Ran, Report, Runner
from coder_tools.runners.suite import CommandSuite
from coder_tools.testing import TestRunFailed

FILES = {"a_test.x": "one two\n", "b_test.x": "three\n"}


class Box:
    """A sandbox in which every command ends as the script has it."""

    name = "box"
    workspace = Workspace(Path("/w"), Path("/repo"), Path("/usr/bin/python3"))

    def __init__(self, **ends: Any) -> None:
        self.ends, self.timeouts, self.env = ends, list[float](), dict[str, str]()

    def run(self, argv: Sequence[str], *, timeout: float, **more: Any) -> ExecResult:
        if "-I" in argv:  # the small programs that prepare and collect the reports
            return ExecResult(0, "/s" if "mkdtemp" in argv[-1] or "mkdtemp" in argv[5] else json.dumps({}), "", 0.0)
        self.timeouts.append(timeout)
        self.env = more["env"]
        return ExecResult(**({"exit_code": 0, "stdout": "", "stderr": "", "duration": 0.0} | self.ends))


class Scripted(Runner):
    """Answers each run by the next report; a test is any word of a file."""

    name = "scripted"
    suffixes = (".x",)

    def __init__(self, *reports: Report) -> None:
        self.reports, self.calls = list(reports), list[Call]()

    def commands(self, call: Call) -> list[Command]:
        self.calls.append(call)
        return [Command(("tool",))]

    def read(self, ran: Ran) -> Report:
        return self.reports.pop(0)

    def tests_in(self, path: str, project: Project) -> list[str]:
        return [f"{path}::{word}" for word in project.text(path).split()]


Make = Callable[..., tuple[CommandSuite, Scripted, Box]]


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setattr("coder_tools.runners.suite.is_protected", lambda path: "_test." in path)

    def make(*reports: Report, **ends: Any) -> tuple[CommandSuite, Scripted, Box]:
        runner, box = Scripted(*reports), Box(**ends)
        project = Project(tuple(FILES), lambda path: FILES[path].encode())
        return CommandSuite(box, Path("/repo"), runner, ("A=1", "-x", "B=2"), project), runner, box  # type: ignore[arg-type]

    return make


def passed(*ids: str) -> tuple[TestResult, ...]:
    return tuple(TestResult(test, "passed") for test in ids)


def run(suite: CommandSuite, *ids: str, **more: Any) -> dict[str, str]:
    given = {"timeout": 100.0, "test_timeout": 5.0} | more
    return {result.id: result.outcome for result in suite.run(ids, **given)}


def test_collecting_is_the_first_run(suite: Make) -> None:
    tests, runner, _ = suite(Report(passed("a_test.x::one")), Report(passed("a_test.x::one")))
    assert tests.collect(10.0).ids == ("a_test.x::one",)
    assert run(tests, "a_test.x::one") == {"a_test.x::one": "passed"} and len(runner.calls) == 1
    run(tests, "a_test.x::one")
    assert len(runner.calls) == 2, "what it saw is used once: afterwards the files may have changed"


def test_a_test_that_is_not_named_has_not_passed(suite: Make) -> None:
    tests, _, _ = suite(Report(passed("a_test.x::one")))
    assert run(tests, "a_test.x::one", "a_test.x::two") == {"a_test.x::one": "passed", "a_test.x::two": "missing"}


def test_of_two_results_the_worse_counts(suite: Make) -> None:
    twice = (*passed("a_test.x::one"), TestResult("a_test.x::one", "failed"), *passed("a_test.x::one"))
    assert run(suite(Report(twice))[0], "a_test.x::one") == {"a_test.x::one": "failed"}


def test_an_end_in_error_that_no_test_explains_is_told_of_those_that_said_nothing(suite: Make) -> None:
    tests, _, _ = suite(Report(passed("a_test.x::one")), exit_code=3, stderr="out of luck")
    [one, two] = tests.run(["a_test.x::one", "a_test.x::two"], timeout=9.0, test_timeout=1.0)
    assert one.passed and two.outcome == "error" and "exit code 3" in two.message and "out of luck" in two.message


def test_what_broke_a_file_is_told_of_its_tests_alone(suite: Make) -> None:
    tests, _, _ = suite(Report((), (Broken("a_test.x", "no such name"),)))
    [one, three] = tests.run(["a_test.x::one", "b_test.x::three"], timeout=9.0, test_timeout=1.0)
    assert (one.outcome, one.message, three.outcome) == ("error", "no such name", "missing")


def test_tests_of_what_does_not_build_are_read_from_the_text(suite: Make) -> None:
    collection = suite(Report((), (Broken("", "it does not build"),)))[0].collect(10.0)
    assert collection.ids == ()
    assert [test for error in collection.errors for test in error.tests] == [
        "a_test.x::one", "a_test.x::two", "b_test.x::three",
    ]  # fmt: skip


def test_what_another_test_kept_from_running_runs_alone(suite: Make) -> None:
    first = Report((TestResult("a_test.x::one", "failed"),), cut=("a_test.x::two", "b_test.x::three"))
    tests, runner, _ = suite(first, Report(passed("a_test.x::two")), Report((), (Broken("", "it ended", "crashed"),)))
    assert run(tests, "a_test.x::one", "a_test.x::two", "b_test.x::three") == {
        "a_test.x::one": "failed", "a_test.x::two": "passed", "b_test.x::three": "crashed",
    }  # fmt: skip
    assert [call.wanted for call in runner.calls[1:]] == [("a_test.x::two",), ("b_test.x::three",)]


def test_of_a_file_whose_time_was_up_only_what_said_nothing_by_itself_either_could_not_run(suite: Make) -> None:
    late = Broken("a_test.x", "not done", "timeout")
    both, one = ("a_test.x::one", "a_test.x::two"), Report(passed("a_test.x::one"))
    tests, _, _ = suite(Report((), (late,), cut=both), one, Report((), (late,)))
    found = tests.collect(60.0)
    assert found.ids == both and not found.errors
    assert run(tests, *both) == {"a_test.x::one": "passed", "a_test.x::two": "timeout"}
    tests, _, _ = suite(Report((), (late,), cut=both[:1]), one)
    [error] = tests.collect(60.0).errors
    assert (error.path, error.tests) == ("a_test.x", both[1:])


def test_a_run_that_hangs_is_cut_by_the_limits_of_its_tests(suite: Make) -> None:
    tests, _, box = suite(Report(), exit_code=-9, killed_by="timeout")
    assert run(tests, "a_test.x::one", timeout=1000.0, limits={"a_test.x::one": 2.0}) == {"a_test.x::one": "timeout"}
    assert box.timeouts[0] <= 62.0, "the time to build, and its own"


def test_the_test_that_hangs_is_found_among_those_that_said_nothing(suite: Make) -> None:
    """cargo, Maven, Gradle and make do not say which one it is: each that is left runs alone."""
    made, runner, box = suite(Report(passed("a_test.x::one")), Report(), Report(passed("b_test.x::three")))
    ends = [{"killed_by": "timeout"}, {"killed_by": "timeout"}, {}]
    commands = runner.commands

    def commanded(call: Call) -> list[Command]:
        box.ends = ends.pop(0)
        return commands(call)

    runner.commands = commanded  # type: ignore[method-assign]
    ids = ["a_test.x::one", "a_test.x::two", "b_test.x::three"]
    found = {r.id: r.outcome for r in made.run(ids, timeout=600, test_timeout=7)}
    assert found == {"a_test.x::one": "passed", "a_test.x::two": "timeout", "b_test.x::three": "passed"}
    assert [call.wanted for call in runner.calls] == [tuple(ids), ("a_test.x::two",), ("b_test.x::three",)]


def test_where_the_build_hangs_nothing_is_run_again(suite: Make) -> None:
    made, runner, _ = suite(Report(), killed_by="timeout")
    found = made.run(["a_test.x::one", "a_test.x::two"], timeout=600, test_timeout=7)
    assert {r.outcome for r in found} == {"timeout"} and len(runner.calls) == 1


def test_after_a_hang_that_came_far_enough_less_time_is_given_to_building(suite: Make) -> None:
    late = Report(passed("a_test.x::one"))
    tests, _, box = suite(late, Report(), exit_code=-9, killed_by="timeout")
    tests.collect(100.0)
    run(tests, "a_test.x::two", limits={"a_test.x::two": 2.0})
    assert box.timeouts[1] <= 22.0


@pytest.mark.parametrize("report", [Report(), Report(unavailable="no such tool")])
def test_no_tests_and_a_tool_that_cannot_work_are_said_so(suite: Make, report: Report) -> None:
    with pytest.raises(TestRunFailed, match="no such tool" if report.unavailable else "no tests"):
        suite(report)[0].collect(10.0)


def test_many_tests_are_not_named_one_by_one(suite: Make) -> None:
    names = [f"a_test.x::{number}" for number in range(101)]
    tests, runner, _ = suite(Report(passed(*names, "a_test.x::more")))
    assert set(run(tests, *names)) == set(names) and runner.calls[0].wanted is None


def test_variables_before_the_arguments_are_set(suite: Make) -> None:
    tests, runner, box = suite(Report(passed("a_test.x::one")))
    run(tests, "a_test.x::one")
    assert box.env == {"A": "1"} and runner.calls[0].args == ("-x", "B=2")


def test_a_line_for_a_shell_is_left_whole() -> None:
    for given, line in ((("A=1 ./check.sh",), "A=1 ./check.sh"), (("CC=cc", "make test"), "make test")):
        box = Box()
        tests = CommandSuite(box, Path("/repo"), AnyCommand(), given, Project((), lambda path: b""))  # type: ignore[arg-type]
        assert tests.collect(10.0).ids == (line,)
        assert box.env == dict(word.split("=") for word in given[:-1])


class Nonsense(Scripted):
    def read(self, ran: Ran) -> Report:
        raise KeyError("nesting")


def test_a_report_that_makes_no_sense_is_no_crash() -> None:
    tests = CommandSuite(Box(), Path("/repo"), Nonsense(), (), Project((), lambda path: b""))  # type: ignore[arg-type]
    with pytest.raises(TestRunFailed, match="makes no sense"):
        tests.collect(10.0)


def test_what_a_report_says_is_bounded(suite: Make) -> None:
    wild = TestResult("a_test.x::one", "failed", float("nan"), "m" * 99_999, "E" * 999, expected="e" * 9999)
    tests, _, _ = suite(Report((wild, *passed("x" * 9999))))
    [result] = tests.run(["a_test.x::one"], timeout=9.0, test_timeout=1.0)
    assert result.duration == 0.0 and len(result.message) < 5000 and len(result.exception) == 200
    assert len(result.expected) < 1100


def test_a_report_that_the_exit_code_gives_the_lie_to_is_not_believed(suite: Make) -> None:
    made, _, _ = suite(Report(passed("a_test.x::one", "a_test.x::two")), exit_code=1, stdout="1 failed")
    [one, two] = made.run(["a_test.x::one", "a_test.x::two"], timeout=100.0, test_timeout=5.0)
    assert one.outcome == two.outcome == "error"
    assert "exit code 1" in one.message and "1 failed" in one.message


def test_an_exit_code_that_another_test_explains_says_nothing_of_those_that_passed(suite: Make) -> None:
    other = TestResult("b_test.x::three", "failed")
    made, _, _ = suite(Report((*passed("a_test.x::one"), other)), exit_code=1)
    assert run(made, "a_test.x::one") == {"a_test.x::one": "passed"}
    made, _, _ = suite(Report(passed("a_test.x::one"), (Broken("b_test.x", "no"),)), exit_code=1)
    assert run(made, "a_test.x::one") == {"a_test.x::one": "passed"}
    made, _, _ = suite(Report(passed("a_test.x::one")), exit_code=1)
    assert run(made, "a_test.x::one", "a_test.x::two") == {"a_test.x::one": "passed", "a_test.x::two": "error"}


def test_a_test_that_spoke_before_does_not_explain_an_exit_code_by_its_silence(suite: Make) -> None:
    both = passed("a_test.x::one", "a_test.x::two")
    made, _, box = suite(Report(both), Report(both[:1]))
    made.collect(100.0)
    box.ends["exit_code"] = 1
    again = run(made, "a_test.x::one", "a_test.x::two", test_timeout=4.0)
    assert again == {"a_test.x::one": "passed", "a_test.x::two": "passed"}, "what collecting saw"
    again = run(made, "a_test.x::one", "a_test.x::two")
    assert again == {"a_test.x::one": "error", "a_test.x::two": "error"}, "both have spoken before"


@pytest.mark.parametrize(
    ("told", "cut"),
    [(passed("a_test.x::one"), ("a_test.x::two", "b_test.x::three")), ((), ("b_test.x::three", "a_test.x::two"))],
)
def test_files_that_a_hang_kept_from_running_run_together_and_the_rest_alone(
    told: tuple[TestResult, ...], cut: tuple[str, ...], suite: Make
) -> None:
    hang = Report(told, cut=cut, stuck=("a_test.x",))
    made, runner, box = suite(hang, Report(passed("b_test.x::three")), Report())
    ends = [{"killed_by": "timeout"}, {}, {"killed_by": "timeout"}]
    commands = runner.commands

    def commanded(call: Call) -> list[Command]:
        box.ends = ends.pop(0)
        return commands(call)

    runner.commands = commanded  # type: ignore[method-assign]
    made.collect(600.0)
    assert [(call.wanted, call.alone) for call in runner.calls] == [
        (None, False),
        (("b_test.x::three",), False),
        (("a_test.x::two",), True),
    ]
    found = {r.id: r.outcome for r in made._told.values()}
    assert found == {r.id: "passed" for r in told} | {"b_test.x::three": "passed", "a_test.x::two": "timeout"}


def test_a_file_whose_tests_all_hang_is_given_up(suite: Make) -> None:
    tests = tuple(f"a_test.x::{n}" for n in range(9))
    made, runner, box = suite(Report(cut=tests), *[Report()] * 9)
    box.ends = {"killed_by": "timeout"}
    found = made.run(tests, timeout=600, test_timeout=5)
    assert {r.outcome for r in found} == {"timeout"} and len(runner.calls) == 3
