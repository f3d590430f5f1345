"""Runs that do not end: what was told of them before, which tests run again by themselves, and when they are ended."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from coder_tools.runners.cargo import CargoTest
from coder_tools.runners.contract import Call, Project, Ran, Report, Runner
from coder_tools.runners.go import GoTest
from coder_tools.runners.gradle import Gradle
from coder_tools.runners.jest import Jest
from coder_tools.runners.maven import Maven
from coder_tools.runners.node_test import NodeTest
from coder_tools.runners.suite import _COLLECT, _WATCH, HUNG, TOLD
from coder_tools.runners.told import logged
from coder_tools.runners.vitest import Vitest

FILES = {
    "test/a.test.js": "describe('cart', () => { test('one', f); test('two', f); }); test('three', f)",
    "test/b.test.js": "test('four', f)",
    "src/test/java/shop/CartTest.java": "class CartTest { @Test void one() {} @Test void two() {} }",
    "src/test/java/shop/BagTest.java": "class BagTest { @Test void three() {} }",
    "src/lib.rs": "mod tests {\n    #[test]\n    fn one() {}\n    #[test]\n    fn two() {}\n}\n",
    "tests/whole.rs": "#[test]\nfn three() {}\n",
    "Cargo.toml": '[package]\nname = "shop"\n',
}
PROJECT = Project(tuple(FILES), lambda path: FILES[path].encode())


def call(*wanted: str, alone: bool = False) -> Call:
    return Call(PROJECT, (), "/repo", "/s", "/b", 5.0, wanted or None, alone)


def hung(runner: Runner, log: str, *wanted: str, reports: dict[str, str] | None = None) -> Report:
    said = {"/s/told.jsonl": log} | (reports or {})
    return runner.read(Ran(call(*wanted), 0, 1, 247, "", "", True, said))


def outcomes(report: Report) -> dict[str, str]:
    return {result.id: result.outcome for result in report.results}


def events(*told: tuple[str, Sequence[str], str]) -> str:
    lines = [json.dumps({"file": file, "names": names, "state": state}) for file, names, state in told]
    return "\n".join([*lines, '{"file": "/repo/test/a.te'])


@pytest.mark.parametrize(("quiet", "code"), [("0.4", HUNG), ("30", 3)])
def test_a_command_that_tells_nothing_new_for_too_long_is_ended(quiet: str, code: int, tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = (
        f"import time; f = open({str(log)!r}, 'w'); f.write('begun'); f.flush(); time.sleep(2); raise SystemExit(3)"
    )
    argv = [sys.executable, "-c", _WATCH, str(log), quiet, "begun", sys.executable, "-c", program]
    assert subprocess.run(argv, timeout=60, check=False).returncode == code


def test_a_command_is_given_its_time_until_it_has_begun(tmp_path: Path) -> None:
    program = f"import time; open({str(tmp_path / 'log')!r}, 'w').write('builds'); time.sleep(1)"
    argv = [sys.executable, "-c", _WATCH, str(tmp_path / "log"), "0.2", "running ", sys.executable, "-c", program]
    assert subprocess.run(argv, timeout=60, check=False).returncode == 0


def test_what_was_told_is_read_where_a_run_hangs_and_only_its_end(tmp_path: Path) -> None:
    for how, sizes in (("ended", {"report.json": 2}), ("hung", {"report.json": 2, "told.jsonl": TOLD})):
        (scratch := tmp_path / how).mkdir()
        (scratch / "report.json").write_text("{}")
        (scratch / "told.jsonl").write_text("x" * (TOLD + 5))
        argv = [sys.executable, "-c", _COLLECT, how, f"{scratch}/**"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
        assert {Path(path).name: len(text) for path, text in json.loads(done.stdout).items()} == sizes
        assert not scratch.exists()


def test_what_is_logged_is_printed_too_and_the_exit_code_stays(tmp_path: Path) -> None:
    where = Call(PROJECT, (), "/repo", str(tmp_path), "/b", 5.0)
    argv = logged(where, ["sh", "-c", "echo out; echo err >&2; exit 7"])
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (7, "out\nerr\n") and (tmp_path / "told.jsonl").read_text() == "out\nerr\n"


def test_of_a_run_of_node_what_a_file_that_hangs_did_not_tell_runs_again() -> None:
    a, b = "/repo/test/a.test.js", "/repo/test/b.test.js"
    told = [
        {"type": "test:start", "file": b, "name": "four"},
        {"type": "test:pass", "file": b, "name": "four"},
        {"type": "test:fail", "file": a, "name": a, "kind": "testTimeoutFailure"},
    ]
    log = {"/s/events.jsonl": "\n".join(json.dumps({"nesting": 0} | event) for event in told)}
    report = NodeTest().read(Ran(call(), 0, 1, 1, "", "", False, log))
    assert outcomes(report) == {"test/b.test.js::four": "passed"}
    every = ("test/a.test.js::cart::one", "test/a.test.js::cart::two", "test/a.test.js::three")
    assert report.cut == every and report.broken[0].outcome == "timeout"
    assert NodeTest().read(Ran(call(every[1]), 0, 1, 1, "", "", False, log)).cut == every[1:2]


def test_that_a_file_of_node_begins_says_nothing_of_its_tests() -> None:
    a = "/repo/test/a.test.js"
    told = [{"type": "test:enqueue", "nesting": 0, "file": a, "name": name} for name in (a, "three")]
    log = {"/s/events.jsonl": "\n".join(map(json.dumps, told))}
    report = NodeTest().read(Ran(call("test/a.test.js::three"), 0, 1, 247, "", "", True, log))
    assert not report.results and not report.broken and report.cut == ("test/a.test.js::three",)


def test_a_file_of_node_has_the_time_of_all_its_tests() -> None:
    """Node gives each file what it gives a test."""
    [command] = NodeTest().commands(call("test/a.test.js::cart::one"))
    assert "--test-timeout=15000" in command.argv and not any("pattern" in word for word in command.argv)
    [command] = NodeTest().commands(call("test/a.test.js::cart::one", alone=True))
    assert "--test-timeout=5000" in command.argv and "--test-name-pattern=/^one$/" in command.argv


@pytest.mark.parametrize("lists", [False, True], ids=["go 1.19", "go 1.20"])
def test_of_a_package_of_go_whose_time_is_up_the_test_that_ran_is_the_one_that_timed_out(lists: bool) -> None:
    files = {
        "go.mod": "module example.org/shop\n",
        "bag/a_test.go": "func TestA(\nfunc TestB(\nfunc TestC(\nfunc TestD(",
    }
    project = Project(tuple(files), lambda path: files[path].encode())
    out = (
        "panic: test timed out after 9s\n" + ("running tests:\n\tTestB/deep (9s)\n" if lists else "") + "\ngoroutine 1"
    )
    told: list[dict[str, str]] = [
        {"Action": "run", "Test": "TestA"},
        {"Action": "pass", "Test": "TestA"},
        {"Action": "run", "Test": "TestB"},
        {"Action": "run", "Test": "TestB/deep"},
        *([{"Action": "run", "Test": "TestD"}] if lists else []),
        {"Action": "output", "Test": "TestB/deep", "Output": out},
        {"Action": "fail"},
    ]
    said = "\n".join(json.dumps(event | {"Package": "example.org/shop/bag"}) for event in told)
    report = GoTest().read(Ran(Call(project, (), "/repo", "/s", "/b", 5.0), 0, 1, 1, said, "", False, {}))
    late = {"bag/a_test.go::TestB": "timeout", "bag/a_test.go::TestB/deep": "timeout"}
    assert outcomes(report) == {"bag/a_test.go::TestA": "passed"} | late
    assert report.cut == ("bag/a_test.go::TestC", "bag/a_test.go::TestD")


def test_a_package_of_go_has_the_time_of_all_its_tests() -> None:
    text = "".join(f"func Test{n}(t *testing.T) {{}}\n" for n in range(9))
    files = {"go.mod": "", "shop/a_test.go": text, "bag/a_test.go": text[:90]}
    project = Project(tuple(files), lambda path: files[path].encode())
    [command] = GoTest().commands(Call(project, (), "/repo", "/s", "/b", 5.0))
    assert "-timeout=45000ms" in command.argv


@pytest.mark.parametrize("runner", [Jest(), Vitest()], ids=lambda runner: runner.name)
def test_of_a_run_of_jest_that_hangs_it_is_known_what_ended_and_what_was_under_way(runner: Runner) -> None:
    a = "/repo/test/a.test.js"
    begun = json.dumps({"file": a, "state": "begun"})
    log = begun + "\n" + events((a, ["cart", "one"], "passed"), (a, ["cart", "two"], "begun"))
    report = hung(runner, log)
    assert report.stuck == ("test/a.test.js",)
    assert outcomes(report) == {"test/a.test.js::cart::one": "passed", "test/a.test.js::cart::two": "timeout"}
    assert report.cut == ("test/a.test.js::three", "test/b.test.js::four")
    assert hung(runner, log, "test/b.test.js::four", "test/a.test.js::cart::two").cut == ("test/b.test.js::four",)


def test_of_two_ends_in_what_was_told_the_worse_counts() -> None:
    a = "/repo/test/a.test.js"
    log = events((a, ["three"], "begun"), (a, ["three"], "failed"), (a, ["three"], "passed"))
    assert outcomes(hung(Jest(), log))["test/a.test.js::three"] == "failed"


def test_of_a_run_of_gradle_that_hangs_it_is_known_what_ended_and_what_was_under_way() -> None:
    report = hung(Gradle(), events(("shop.CartTest", ["one()"], "passed"), ("shop.CartTest", ["two()"], "begun")))
    path = "src/test/java/shop/CartTest.java"
    assert outcomes(report) == {f"{path}::one": "passed", f"{path}::two": "timeout"}
    assert report.cut == ("src/test/java/shop/BagTest.java::three",)


def test_of_a_run_of_maven_that_hangs_the_classes_that_ended_are_known() -> None:
    xml = '<testsuite><testcase name="three" classname="shop.BagTest"/></testsuite>'
    report = hung(Maven(), " T E S T S", reports={"/repo/target/surefire-reports/a.xml": xml})
    path = "src/test/java/shop/CartTest.java"
    assert outcomes(report) == {"src/test/java/shop/BagTest.java::three": "passed"}
    assert report.cut == (f"{path}::one", f"{path}::two")


def test_of_a_run_of_cargo_that_hangs_what_it_printed_is_read() -> None:
    log = "     Running unittests src/lib.rs (target/debug/deps/shop-0123456789abcdef)\n\nrunning 2 tests\n"
    report = hung(CargoTest(), log + "test tests::one ... ok\ntest tests::two has been running for over 60 seconds\n")
    assert outcomes(report) == {"src/lib.rs::tests::one": "passed"}
    assert report.cut == ("src/lib.rs::tests::two", "tests/whole.rs::three")


def test_what_vitest_3_reports_of_a_test_that_had_its_time_is_a_timeout_in_words() -> None:
    message = "Error: STACK_TRACE_ERROR\n    at task (file:///x/node_modules/@vitest/runner/dist/chunk-hooks.js:638:27)"
    case = {"ancestorTitles": [], "title": "four", "status": "failed", "failureMessages": [message]}
    file = {"name": "/repo/test/b.test.js", "status": "failed", "assertionResults": [case]}
    reports = {"/s/report.json": json.dumps({"testResults": [file]})}
    [result] = Vitest().read(Ran(call(), 0, 1, 1, "", "", False, reports)).results
    assert (result.outcome, result.message) == ("timeout", "Error: it was not done within its time limit")


@pytest.mark.parametrize(
    ("runner", "test", "word"),
    [
        (Jest(), "test/a.test.js::cart::one (1)", r"--testNamePattern=(^|\s)cart\ one\ \(1\)$"),
        (Vitest(), "test/a.test.js::cart::one", r"--testNamePattern=(^|\s)cart\ one$"),
        (Maven(), "src/test/java/shop/CartTest.java::one", "-Dtest=CartTest#one"),
        (Maven(), "src/test/java/shop/CartTest.java::Empty.one(int)[2]", "-Dtest=CartTest$Empty#one"),
        (Maven(), "src/test/java/shop/CartTest.java::in plain words", "-Dtest=CartTest"),
        (Gradle(), "src/test/java/shop/CartTest.java::one", "*CartTest.one"),
    ],
)
def test_a_test_that_runs_alone_is_the_only_one(runner: Runner, test: str, word: str) -> None:
    [command] = runner.commands(call(test, alone=True))
    assert word in command.argv


def test_a_test_of_junit_that_had_its_time_is_a_timeout() -> None:
    xml = (
        '<testsuite><testcase name="three" classname="shop.BagTest"><error message="three() timed out after 5 seconds" '
        'type="java.util.concurrent.TimeoutException">java.util.concurrent.TimeoutException: three() timed out after 5 '
        "seconds</error></testcase></testsuite>"
    )
    report = Maven().read(Ran(call(), 0, 1, 1, "", "", False, {"a.xml": xml}))
    assert outcomes(report) == {"src/test/java/shop/BagTest.java::three": "timeout"}


@pytest.mark.parametrize("runner", [Jest(), Gradle(), Maven(), CargoTest()], ids=lambda runner: runner.name)
def test_where_no_test_had_begun_none_is_run_again(runner: Runner) -> None:
    assert hung(runner, "") == Report()
