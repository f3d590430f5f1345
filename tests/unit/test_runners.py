"""Each runner reads what its tool really printed: recorded here, so that no tool is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from coder_tools.contract import Frame, TestResult
from coder_tools.goals import GoalError, resolve
from coder_tools.logs import finding
from coder_tools.protect import collected_files, is_protected
from coder_tools.runners.cargo import CargoTest
from coder_tools.runners.choose import RUNNERS, Chosen, choose_runner
from coder_tools.runners.command import AnyCommand
from coder_tools.runners.contract import Call, Project, Ran, Report, Runner
from coder_tools.runners.ctest import CTest
from coder_tools.runners.go import GoTest
from coder_tools.runners.gradle import Gradle
from coder_tools.runners.jest import Jest
from coder_tools.runners.maven import Maven
from coder_tools.runners.node_test import NodeTest
from coder_tools.runners.traces import values_in
from coder_tools.runners.vitest import Vitest


def project(files: Mapping[str, str]) -> Project:
    return Project(tuple(files), lambda path: files[path].encode())


def read(runner: Runner, files: Mapping[str, str], **said: object) -> Report:
    call = Call(project(files), said.pop("args", ()), "/repo", "/s", "/b", 5.0, said.pop("wanted", None))  # type: ignore[arg-type]
    given = {"step": 0, "steps": 1, "exit_code": 1, "stdout": "", "stderr": "", "timed_out": False, "reports": {}}
    return runner.read(Ran(call, **(given | said)))  # type: ignore[arg-type]


def outcomes(report: Report) -> dict[str, str]:
    return {result.id: result.outcome for result in report.results}


def by_id(report: Report, test: str) -> TestResult:
    return next(result for result in report.results if result.id == test)


# which runner

PACKAGE = '{{"scripts": {{"test": "{0}"}}, "devDependencies": {{"vitest": "^3"}}}}'
DETECTED = {
    "vitest": {"package.json": PACKAGE.format("vitest run")},
    "jest": {"package.json": PACKAGE.format("cross-env CI=1 npx jest --coverage")},
    "npm test": {"package.json": '{"scripts": {"test": "tap | tee log"}}'},
    "node:test": {"package.json": '{"scripts": {"test": "node --import tsx --test"}}'},
    "cargo test": {"Cargo.toml": "[package]\nname = 'x'\n", "src/lib.rs": ""},
    "go test": {"go.mod": "module x\n", "a_test.go": ""},
    "maven": {"pom.xml": "<project/>", "src/test/java/ATest.java": ""},
    "gradle": {"build.gradle.kts": "", "src/test/kotlin/ATest.kt": ""},
    "ctest": {
        "CMakeLists.txt": "enable_testing()\nadd_subdirectory(t)\n",
        "t/CMakeLists.txt": "add_test(NAME a COMMAND a)",
    },
    "make": {"Makefile": "all: x\n\ncheck: all\n\t./x\n"},
    "Python": {"pyproject.toml": "", "tests/test_a.py": "", "package.json": PACKAGE.format("jest")},
}


@pytest.mark.parametrize("name", DETECTED)
def test_a_repository_tells_its_runner(name: str) -> None:
    assert choose_runner("", project(DETECTED[name])).name == name


PYTHON_PROJECTS = (
    {"setup.py": "", "checks/one.py": "", "Makefile": "test:\n\tpython checks/one.py\n"},
    {"calc.py": "", "checks.py": "", "site.js": "", "package.json": PACKAGE.format("jest")},
)


@pytest.mark.parametrize("files", PYTHON_PROJECTS)
def test_a_python_project_stays_one_whatever_else_is_in_it(files: dict[str, str]) -> None:
    assert choose_runner("", project(files)).name == "Python"


def test_a_script_makes_no_python_project() -> None:
    files = {"Makefile": "test:\n\t./x\n", "tools/gen.py": "", "a.c": "", "b.c": "", "a.h": ""}
    assert choose_runner("", project(files)).name == "make"


def test_a_repository_that_tells_nothing_is_taken_for_python() -> None:
    for files in ({"README": ""}, {"package.json": "{"}, {"Makefile": "all:\n\ttrue\ntest := 3\n"}, {"go.mod": ""}):
        assert choose_runner("", project(files)).name == "Python"


COMMANDS = {
    "npm test": ("vitest", ()),
    "yarn lint": ("npm test", ("yarn lint",)),
    "npm run unit -- --retry 2": ("vitest", ("--config", "v.ts", "--retry", "2")),
    "npx jest --json --bail test/a.test.js": ("jest", ("test/a.test.js",)),
    "node node_modules/.bin/jest": ("jest", ()),
    "NODE_ENV=test node --test --test-reporter=tap --import tsx t": (
        "node:test",
        ("NODE_ENV=test", "--import", "tsx", "t"),
    ),
    "TZ=UTC npx cross-env A=1 jest -c j.json": ("jest", ("TZ=UTC", "A=1", "-c", "j.json")),
    "node --experimental-vm-modules node_modules/jest/bin/jest.js --coverage": (
        "jest",
        ("NODE_OPTIONS=--experimental-vm-modules",),
    ),
    "RUSTFLAGS=-Awarnings cargo test": ("cargo test", ("RUSTFLAGS=-Awarnings",)),
    "cargo test --workspace -- --nocapture --test-threads=1": ("cargo test", ("--workspace", "--", "--test-threads=1")),
    "go test -v -run TestX -tags slow ./a/...": ("go test", ("-tags", "slow", "./a/...")),
    "./mvnw -pl core clean verify": ("maven", ("-pl", "core", "clean", "verify")),
    "./gradlew check": ("gradle", ("check",)),
    "ctest --test-dir build -j 4": ("ctest", ("4",)),
    "make -C sub check": ("make", ("make -C sub check",)),
    "pytest -q": ("Python", ("-q",)),
    "./check.sh --junit {junit}": ("a command", ("./check.sh --junit {junit}",)),
    "cargo test && ./more.sh": ("a command", ("cargo test && ./more.sh",)),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_tells_the_runner_and_its_arguments(command: str) -> None:
    files = {"package.json": '{"scripts": {"test": "vitest", "unit": "vitest run --config v.ts --coverage"}}'}
    chosen = choose_runner(command, project(files))
    assert (chosen.name, chosen.args) == COMMANDS[command]


@pytest.mark.parametrize("command", ["  ", "cargo 'test"])
def test_what_is_no_command_is_refused(command: str) -> None:
    with pytest.raises(ValueError):
        choose_runner(command, project({}))


def test_every_runner_has_a_name_of_its_own() -> None:
    names = [runner.name for runner in RUNNERS]
    assert len(set(names)) == len(names) == 10


# node:test

NODE = {
    "test/cart.test.js": "",
    "src/cart.js": "",
    "test/bad.test.js": "import { test } from 'node:test'\ntest('n', f)\n",
}
AT = "at total (file:///repo/src/cart.js:3:9)\n    at Test.run (node:internal/test_runner/test:796:25)"


def node_events(*events: dict[str, object]) -> dict[str, str]:
    return {"/s/events.jsonl": "\n".join(json.dumps({"nesting": 0} | event) for event in events) + '\n{"type": "te'}


def test_node_puts_suites_and_tests_together_and_reads_the_failure() -> None:
    file = "/repo/test/cart.test.js"
    error = {
        "name": "AssertionError",
        "message": "2 !== 6",
        "stack": f"AssertionError: 2 !== 6\n    {AT}",
        "values": ["6", "2"],
    }
    events = node_events(
        {"type": "test:start", "file": file, "name": "Cart"},
        {"type": "test:start", "file": file, "name": "sums", "nesting": 1},
        {
            "type": "test:fail",
            "file": file,
            "name": "sums",
            "nesting": 1,
            "error": error,
            "duration": 5,
            "kind": "testCodeFailure",
        },
        {"type": "test:start", "file": file, "name": "later", "nesting": 1},
        {"type": "test:pass", "file": file, "name": "later", "nesting": 1, "todo": True},
        {"type": "test:fail", "file": file, "name": "Cart", "suite": True, "kind": "subtestsFailed"},
        {"type": "test:pass", "file": file, "name": "empty", "duration": 1},
    )
    report = read(NodeTest(), NODE, reports=events)
    assert outcomes(report) == {
        "test/cart.test.js::Cart::sums": "failed",
        "test/cart.test.js::Cart::later": "skipped",
        "test/cart.test.js::empty": "passed",
    }
    failed = by_id(report, "test/cart.test.js::Cart::sums")
    assert (failed.expected, failed.actual, failed.exception, failed.duration) == ("6", "2", "AssertionError", 0.005)
    assert failed.frames == (Frame("src/cart.js", 3, "total"),) and "node:internal" not in failed.message


def test_node_tells_of_a_file_that_cannot_be_loaded_or_does_not_end() -> None:
    bad, cart = "/repo/test/bad.test.js", "/repo/test/cart.test.js"
    events = node_events(
        {
            "type": "test:stderr",
            "file": bad,
            "message": "SyntaxError: no such export\n    at /repo/test/bad.test.js:1:1",
        },
        {"type": "test:fail", "file": bad, "name": bad, "kind": "testCodeFailure"},
        {"type": "test:fail", "file": cart, "name": cart, "kind": "testTimeoutFailure"},
    )
    report = read(NodeTest(), NODE, reports=events)
    assert [(one.path, one.outcome) for one in report.broken] == [
        ("test/bad.test.js", "error"),
        ("test/cart.test.js", "timeout"),
    ]
    assert "no such export" in report.broken[0].message and report.broken[0].frames[0].line == 1
    assert NodeTest().tests_in("test/bad.test.js", project(NODE)) == ["test/bad.test.js::n"]


def test_node_that_is_too_old_is_no_failed_test() -> None:
    assert (
        "Node.js 20" in read(NodeTest(), NODE, exit_code=9, stderr="node: bad option: --test-timeout=5000").unavailable
    )


@pytest.mark.parametrize("runner", [NodeTest(), Jest(), Vitest()], ids=lambda runner: runner.name)
def test_flags_keep_their_values_when_files_are_named(runner: Runner) -> None:
    args = ("--config", "c.json", "test/other.test.js")
    [command] = runner.commands(Call(project(NODE), args, "/repo", "/s", "/b", 5.0, ("test/cart.test.js::a::b",)))
    at = command.argv.index("--config")
    assert command.argv[at + 1] == "c.json" and "test/other.test.js" not in command.argv
    assert command.argv[-1] == "test/cart.test.js"


# jest and vitest

JEST_CASE = {
    "ancestorTitles": ["Cart"],
    "title": "sums",
    "status": "failed",
    "duration": 3,
    "failureMessages": [
        "Error: expect(received).toBe(expected)\n\nExpected: 6\nReceived: 2\n    at z (/repo/src/cart.js:2:27)\n"
        "    at run (/repo/node_modules/jest-circus/build/run.js:71:3)"
    ],
    "failureDetails": [{"matcherResult": {"expected": {"a": "ü"}, "actual": 2}}],
}


def jest_report(*files: dict[str, object]) -> dict[str, str]:
    return {"/s/report.json": json.dumps({"testResults": files})}


def test_jest_gives_values_and_frames_and_names_files_that_cannot_be_loaded() -> None:
    cart = {
        "name": "/repo/test/cart.test.js",
        "status": "failed",
        "assertionResults": [JEST_CASE, {"title": "ok", "status": "passed"}, {"title": "l", "status": "todo"}],
    }
    bad = {
        "name": "/repo/test/bad.test.js",
        "status": "failed",
        "assertionResults": [],
        "message": "Cannot find module './x'",
    }
    report = read(Jest(), NODE, reports=jest_report(cart, bad))
    assert list(outcomes(report).values()) == ["failed", "passed", "skipped"]
    failed = by_id(report, "test/cart.test.js::Cart::sums")
    assert (failed.expected, failed.actual) == ('{"a": "ü"}', "2")
    assert failed.frames == (Frame("src/cart.js", 2, "z"),) and "node_modules" not in failed.message
    assert [one.path for one in report.broken] == ["test/bad.test.js"]


def test_vitest_has_the_values_in_its_words() -> None:
    case = {
        "title": "deep",
        "status": "failed",
        "failureMessages": [
            "AssertionError: expected { a: 1 } to deeply equal { a: 2 }\n    at /repo/test/cart.test.js:5:41"
        ],
    }
    report = read(Vitest(), NODE, reports=jest_report({"name": "/repo/test/cart.test.js", "assertionResults": [case]}))
    assert (report.results[0].expected, report.results[0].actual) == ("{ a: 2 }", "{ a: 1 }")
    assert report.results[0].frames == (Frame("test/cart.test.js", 5, ""),)


@pytest.mark.parametrize("runner", [Jest(), Vitest()], ids=lambda runner: runner.name)
def test_packages_that_are_not_installed_are_said_so(runner: Jest) -> None:
    said = f"Error: Cannot find module '/repo/{runner.program}'"
    assert "npm install" in read(runner, NODE, stderr=said).unavailable


# go

GO = {
    "go.mod": "module example.org/shop\n",
    "money/money_test.go": "package money\nfunc TestAdd(t *T) {}\nfunc TestAfter(t *T) {}\nfunc TestBoom(t *T) {}\n",
    "money/money.go": "package money\n",
    "cart_test.go": "package shop\nfunc TestCart(t *testing.T) {}\n",
}


def go_events(*events: tuple[str, str, str]) -> str:
    lines = (
        {"Action": action, "Package": "example.org/shop/money", "Test": test, "Output": text}
        for action, test, text in events
    )
    return "\n".join(json.dumps(line) for line in lines)


def test_go_gives_each_test_the_file_it_is_in() -> None:
    said = go_events(
        ("run", "TestAdd", ""),
        ("run", "TestAdd/two_coins", ""),
        ("output", "TestAdd/two_coins", "    money_test.go:2: Add(1, 1) = 0, want 2\n"),
        ("fail", "TestAdd/two_coins", ""),
        ("fail", "TestAdd", ""),
        ("run", "TestAfter", ""),
        ("skip", "TestAfter", ""),
    )
    report = read(GoTest(), GO, stdout=said)
    add = "money/money_test.go::TestAdd"
    assert outcomes(report) == {
        f"{add}/two_coins": "failed",
        add: "failed",
        "money/money_test.go::TestAfter": "skipped",
    }
    failed = by_id(report, f"{add}/two_coins")
    assert (failed.expected, failed.actual, failed.frames) == ("2", "0", (Frame("money/money_test.go", 2, ""),))
    assert "want 2" in by_id(report, add).message, "a test speaks for its subtests"


def test_go_does_not_believe_a_result_that_a_test_prints() -> None:
    said = go_events(("run", "TestAdd", ""), ("pass", "TestFake", ""), ("pass", "TestAdd", ""))
    assert outcomes(read(GoTest(), GO, stdout=said)) == {"money/money_test.go::TestAdd": "passed"}


def test_go_names_what_a_panic_kept_from_running() -> None:
    panic = "panic: index out of range\n\ngoroutine 7:\nexample.org/shop/money.Boom(...)\n\t/repo/money/money.go:4\n"
    said = go_events(("run", "TestBoom", ""), ("output", "TestBoom", panic), ("fail", "TestBoom", ""))
    report = read(GoTest(), GO, stdout=said)
    assert report.cut == ("money/money_test.go::TestAdd", "money/money_test.go::TestAfter")
    assert report.results[0].exception == "panic"
    assert report.results[0].frames == (Frame("money/money.go", 4, "example.org/shop/money.Boom"),)
    late = read(GoTest(), GO, stdout=said.replace("panic: index out of range", "panic: test timed out after 2s"))
    assert late.results[0].outcome == "timeout"


@pytest.mark.parametrize("new", [True, False], ids=["in the stream", "on standard error"])
def test_go_names_the_files_of_a_package_that_does_not_build(new: bool) -> None:
    words = "# example.org/shop/money [example.org/shop/money.test]\nmoney/money_test.go:2:9: undefined: Sub\n"
    lines = [{"Action": "build-output", "Output": line + "\n"} for line in words.splitlines()]
    said = (
        {"stdout": "\n".join(map(json.dumps, lines))}
        if new
        else {"stderr": words + "FAIL\texample.org/shop/money [build failed]\n"}
    )
    report = read(GoTest(), GO, **said)
    assert [one.path for one in report.broken] == ["money/money_test.go"]
    assert (
        report.broken[0].frames == (Frame("money/money_test.go", 2, ""),)
        and "undefined: Sub" in report.broken[0].message
    )


def test_go_without_its_dependencies_says_how_to_get_them() -> None:
    assert "go mod download" in read(GoTest(), GO, stderr="a.go:3:8: no required module provides package x").unavailable


# cargo

RUST = {
    "Cargo.toml": "[package]\nname = 'shop'\n",
    "src/lib.rs": "",
    "tests/whole.rs": "#[test]\nfn sells() {}\n",
    "src/money.rs": "#[cfg(test)]\nmod tests {\n #[test] fn deep() {} #[test]\n #[ignore]\n fn adds() {}\n}\n",
}
RUST_SAID = """   Compiling shop v0.1.0 (/repo)
     Running unittests src/lib.rs (target/debug/deps/shop-cc34d4ae7363b857)

running 2 tests
test money::tests::deep ... ok
test money::tests::adds - should panic ... FAILED

failures:

---- money::tests::adds stdout ----

thread 'money::tests::adds' panicked at src/money.rs:1:34:
assertion `left == right` failed
  left: [2, 3]
 right: [3, 2]
stack backtrace:
   4: shop::money::first
             at ./src/money.rs:1:34


failures:
    money::tests::adds

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.08s

     Running tests/whole.rs (target/debug/deps/whole-9c1a590d21229746)

running 1 test
test sells ... ignored

test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests shop

running 1 test
test src/lib.rs - add (line 6) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.15s
"""


def test_cargo_gives_each_test_its_target_and_reads_the_failure() -> None:
    report = read(CargoTest(), RUST, stdout=RUST_SAID, exit_code=101)
    assert outcomes(report) == {
        "src/lib.rs::money::tests::deep": "passed",
        "src/lib.rs::money::tests::adds": "failed",
        "tests/whole.rs::sells": "skipped",
        "src/lib.rs::example add": "passed",
    }
    failed = by_id(report, "src/lib.rs::money::tests::adds")
    assert (failed.expected, failed.actual) == ("[3, 2]", "[2, 3]") and "backtrace" not in failed.message
    assert failed.frames == (Frame("src/money.rs", 1, "shop::money::first"),)


def test_cargo_names_what_an_abort_kept_from_running() -> None:
    said = (
        RUST_SAID.split("test money::tests::adds")[0]
        + "error: test failed, to rerun pass `--lib`\n  (signal: 6, SIGABRT)\n"
    )
    assert read(CargoTest(), RUST, stdout=said).cut == ("src/lib.rs::money::tests::adds",)
    alone = read(CargoTest(), RUST, stdout=said, wanted=("src/lib.rs::money::tests::adds",))
    assert outcomes(alone)["src/lib.rs::money::tests::adds"] == "crashed" and not alone.cut


def test_cargo_that_does_not_compile_is_read_as_far_as_it_came() -> None:
    said = (
        "   Compiling shop v0.1.0\nerror[E0425]: no function `sub`\n --> src/money.rs:5:9\nerror: could not compile\n"
    )
    report = read(CargoTest(), RUST, stdout=said, exit_code=101)
    assert report.broken[0].message.startswith("error[E0425]") and report.broken[0].frames == (
        Frame("src/money.rs", 5, ""),
    )
    listed = CargoTest().tests_in("src/money.rs", project(RUST))
    assert listed == ["src/lib.rs::money::tests::deep", "src/lib.rs::money::tests::adds"]
    missing = "error: no matching package named `serde` found\nAs a reminder, you're using offline mode (--offline)"
    assert "cargo fetch" in read(CargoTest(), RUST, stdout=missing, exit_code=101).unavailable


def test_cargo_lists_the_tests_of_a_program_under_its_own_root() -> None:
    files = {**RUST, "src/main.rs": ""}
    del files["src/lib.rs"]
    assert CargoTest().tests_in("src/money.rs", project(files))[0] == "src/main.rs::money::tests::deep"


# maven and gradle

JAVA = {
    "src/test/java/shop/CartTest.java": "class C { @Nested class Empty { @Test void sums() {} } @Test void ok() {}}",
    "src/main/java/shop/Cart.java": "",
    "pom.xml": "",
}
SUREFIRE = """<?xml version="1.0"?><testsuite><testcase name="ok" classname="shop.CartTest" time="0.02"/>
<testcase name="sums()" classname="shop.CartTest$Empty" time="1.5"><failure message="expected: &lt;2&gt; but was"
 type="org.opentest4j.AssertionFailedError"><![CDATA[org.opentest4j.AssertionFailedError: expected: <2> but was: <0>
\tat org.junit.jupiter.api.Assertions.assertEquals(Assertions.java:531)
\tat shop.Cart.total(Cart.java:3)
\tat shop.CartTest$Empty.sums(CartTest.java:7)
]]></failure></testcase></testsuite>"""


@pytest.mark.parametrize("runner", [Maven(), Gradle()], ids=lambda runner: runner.name)
def test_java_reports_are_read_with_nested_classes(runner: Runner) -> None:
    report = read(
        runner, JAVA, reports={"/repo/target/surefire-reports/a.xml": SUREFIRE, "b.xml": "<testsuite><testca"}
    )
    path = "src/test/java/shop/CartTest.java"
    assert outcomes(report) == {f"{path}::ok": "passed", f"{path}::Empty.sums": "failed"}
    failed = by_id(report, f"{path}::Empty.sums")
    assert (failed.expected, failed.actual, failed.exception) == ("2", "0", "AssertionFailedError")
    assert (
        failed.frames[-1] == Frame("src/main/java/shop/Cart.java", 3, "shop.Cart.total")
        and "junit" not in failed.message
    )
    assert runner.tests_in(path, project(JAVA)) == [f"{path}::Empty.sums", f"{path}::ok"]


def test_maven_that_does_not_compile_is_told_from_one_that_lacks_its_dependencies() -> None:
    said = (
        "[ERROR] COMPILATION ERROR\n[ERROR] /repo/src/main/java/shop/Cart.java:[22,9] no symbol\n[ERROR] -> [Help 1]\n"
    )
    report = read(Maven(), JAVA, stdout=said)
    assert (
        report.broken[0].frames == (Frame("src/main/java/shop/Cart.java", 22, ""),)
        and "Help" not in report.broken[0].message
    )
    said = "[ERROR] Could not resolve dependencies for project x: Cannot access central in offline mode -> [Help 1]"
    assert "go-offline" in read(Maven(), JAVA, stdout=said).unavailable


# ctest and commands

C = {
    "CMakeLists.txt": "add_subdirectory(t)\n",
    "t/CMakeLists.txt": "add_test(NAME ring COMMAND ring)\n",
    "src/ring.c": "",
}


def test_ctest_names_the_list_that_adds_the_test_and_a_build_that_fails() -> None:
    case = '<failure message="Failed"/><system-out>src/ring.c:9: expected: 2\n got: 3</system-out>'
    xml = f'<testsuite><testcase name="ring" status="fail">{case}</testcase></testsuite>'
    report = read(CTest(), C, step=2, steps=3, reports={"/s/junit.xml": xml})
    assert outcomes(report) == {"t/CMakeLists.txt::ring": "failed"}
    broken = read(CTest(), C, step=1, steps=3, exit_code=2, stderr="/repo/src/ring.c:9:5: error: 'x' undeclared").broken
    assert broken[0].path == "" and broken[0].frames == (Frame("src/ring.c", 9, ""),)
    assert CTest().tests_in("t/CMakeLists.txt", project(C)) == ["t/CMakeLists.txt::ring"]
    assert "configure" in read(CTest(), C, step=0, steps=3, stderr="CMake Error").unavailable


def test_ctest_tells_apart_what_its_report_does_not() -> None:
    failed = '<failure message=""/><system-out></system-out>'
    cases = {
        "ring": failed,
        "slow": failed,
        "gone": '<skipped message="Unable to find executable"/>',
        "off": "",
        "ok": "",
    }
    xml = "".join(f'<testcase name="{name}">{inner}</testcase>' for name, inner in cases.items())
    said = (
        "1/5 Test #1: ring .............................***Exception: SegFault  0.00 sec\n\n    Start 3: gone\n"
        "2/5 Test  #2: slow .............................***Timeout   1.01 sec\n"
        "3/5 Test #3: gone ..........................***Not Run   0.00 sec\n"
        "4/5 Test #4: off ..............................***Not Run (Disabled)   0.00 sec\n"
        "5/5 Test #5: ok ..........................   Passed    0.00 sec\n"
    )
    reports = {"/s/junit.xml": f"<testsuite>{xml}</testsuite>"}
    report = read(CTest(), C, step=2, steps=3, exit_code=8, stdout=said, reports=reports)
    assert {test.partition("::")[2]: outcome for test, outcome in outcomes(report).items()} == {
        "ring": "crashed",
        "slow": "timeout",
        "gone": "error",
        "off": "skipped",
        "ok": "passed",
    }
    assert by_id(report, "t/CMakeLists.txt::ring").message == "Exception: SegFault"


def test_an_exit_code_is_one_test() -> None:
    files, line = {"src/ring.c": "", "check.sh": ""}, "sh check.sh"
    assert outcomes(read(AnyCommand(), files, args=(line,), exit_code=0)) == {line: "passed"}
    failed = read(AnyCommand(), files, args=(line,), stdout="src/ring.c:4: expected: a\n  got: b\n").results[0]
    assert (failed.outcome, failed.expected, failed.actual, failed.frames) == (
        "failed",
        "a",
        "b",
        (Frame("src/ring.c", 4, ""),),
    )
    assert outcomes(read(AnyCommand(), files, args=(line,), exit_code=-9, timed_out=True)) == {line: "timeout"}
    assert (
        "cannot be run" in read(AnyCommand(), files, args=("./nothing",), exit_code=127, stderr="not found").unavailable
    )


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite><testcase name="a"/></testsuite>'


@pytest.mark.parametrize("text", [BOMB, "<testsuite><testcase", ""])
def test_a_report_that_is_none_is_no_pass(text: str) -> None:
    report = read(AnyCommand(), {}, args=("x {junit}",), exit_code=0, reports={"/s/junit": text})
    assert not report.results and report.broken


HOSTILE: dict[str, str] = {
    "deep": "[" * 100_000,
    "numbers": '{"type": 3, "Action": 4, "nesting": "x", "testResults": 5}',
    "events": '{"type": "test:pass", "file": [1], "name": {}, "nesting": null, "duration": "NaN"}',
    "go": '{"Action": "pass", "Test": "T", "Package": [], "Elapsed": {}}',
    "jest": '{"testResults": [{"assertionResults": 7}, {"assertionResults": [{"failureMessages": 8}]}, 9]}',
    "xml": "<a>" * 50_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("runner", [*RUNNERS, AnyCommand()], ids=lambda runner: runner.name)
def test_a_hostile_report_ends_in_words(runner: Runner, kind: str) -> None:
    text = HOSTILE[kind]
    reports = {"/s/events.jsonl": text, "/s/report.json": text, "/s/junit.xml": text, "/s/junit": text}
    args = ("x {junit}",) if runner.takes_line else ()
    try:
        report = read(runner, {"a.go": ""}, args=args, stdout=text, reports=reports)
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return  # the suite says that it makes no sense
    assert all(not result.passed for result in report.results)


EVIL = {
    "a.test.js": "describe('" + "x(" * 50_000,
    "A.java": "@Test " + "public " * 50_000,
    "a.rs": "mod a { " * 50_000 + "#[test]" * 10_000,
    "a_test.go": "func Test" * 50_000,
    "CMakeLists.txt": "add_test(" * 50_000,
}


@pytest.mark.parametrize("path", EVIL)
def test_a_hostile_text_is_looked_through_in_no_time(path: str) -> None:
    for runner in RUNNERS:
        if path.endswith(runner.suffixes):
            assert len(runner.tests_in(path, project(EVIL))) <= 50_000


# what all of them share

VALUES = {
    "expected:<6> but was:<2>": ("6", "2"),
    "left: `2`,\n right: `3`: the sum": ("3", "2"),
    "Add(1, 1): got 5; want 6": ("6", "5"),
    "got [a b], want [b a]": ("[b a]", "[a b]"),
    "want 3 but got 4": ("3", "4"),
    "thread 'a' panicked at src/a.rs:1:1:\nassertion failed: add(1, 1) == 2": ("add(1, 1) == 2", "false"),
    "check: tests/check.c:15: main: Assertion `get(&ring) == 10' failed.": ("get(&ring) == 10", "false"),
    "Expected java.lang.Error to be thrown, but nothing was thrown.": (
        "java.lang.Error to be thrown",
        "nothing",
    ),
    "expected [2] but found [1]": ("2", "1"),
    "\nExpected: is <2>\n     but: was <1>": ("is <2>", "<1>"),
    "\nexpected: 2\n but was: 1": ("2", "1"),
    "\nExpecting actual:\n  1\nto be equal to:\n  2\n": ("2", "1"),
    "Value of: ok\n  Actual: false\nExpected: true": ("true", "false"),
    "Expected equality of these values:\n  add(1, 2)\n    Which is: 3\n  4": ("4", "3"),
    "  CHECK( add(1,2) == 4 )\nwith expansion:\n  3 == 4": ("4", "3"),
    "CHECK( add(1,2) == 4 ) is NOT correct!\n  values: CHECK( 3 == 4 )": ("4", "3"),
    'error: in "a": check add(1,2) == 4 has failed [3 != 4]': ("4", "3"),
    "AssertionError: expected [ 1, 2 ] to have a length of 3 but got 2": ("3", "2"),
    "AssertionError: expected 'a' to contain 'b'": ("contain 'b'", "'a'"),
    "Error: something": ("", ""),
}


@pytest.mark.parametrize("message", VALUES)
def test_values_are_found_in_the_words_of_many_libraries(message: str) -> None:
    assert values_in(message) == VALUES[message]


def test_a_finding_takes_the_values_that_the_runner_gave() -> None:
    result = TestResult(
        "a.test.js::x", "failed", message="Error: no", expected="6", actual="2", frames=(Frame("src/a.js", 3, "f"),)
    )
    found = finding([result], ["a.test.js::x"])
    assert (found.expected, found.actual, found.path, found.line) == ("6", "2", "src/a.js", 3)


IDS = [
    "test/a.test.js::Cart::adds two items",
    "test/a.test.js::Cart::empties",
    "money/money_test.go::TestAdd/two_coins",
    "src/lib.rs::money::tests::deep",
    "src/test/java/shop/CartTest.java::Empty.sums",
    "src/test/java/shop/CartTest.java::adds",
    "src/cart.rs::example cart::Cart::add",
    "CMakeLists.txt::joins",
]
GOALS = {
    "failing test adds two items": [IDS[0]],
    'the failing test "empties"': [IDS[1]],
    "test/a.test.js": IDS[:2],
    "Cart::empties": [IDS[1]],
    "TestAdd/two_coins": [IDS[2]],
    "money::tests::deep": [IDS[3]],
    "CartTest": IDS[4:6],
    "a": IDS[:2],
    # as the tools print them
    "● Cart › adds two items": [IDS[0]],
    "FAIL  test/a.test.js > Cart > adds two items": [IDS[0]],
    "× Cart > adds two items 4ms": [IDS[0]],
    "✖ adds two items (1.5ms)": [IDS[0]],
    "not ok 1 - empties": [IDS[1]],
    "--- FAIL: TestAdd/two_coins (0.00s)": [IDS[2]],
    "TestAdd/two coins": [IDS[2]],
    "example.org/shop/money.TestAdd/two_coins": [IDS[2]],
    "test money::tests::deep ... FAILED": [IDS[3]],
    "shop.CartTest": IDS[4:6],
    "CartTest.adds:17": [IDS[5]],
    "[ERROR]   CartTest.adds:17 expected: <1> but was: <2>": [IDS[5]],
    "[ERROR] shop.CartTest.adds -- Time elapsed: 0.003 s <<< FAILURE!": [IDS[5]],
    "adds(shop.CartTest)": [IDS[5]],
    "CartTest#adds": [IDS[5]],
    "CartTest$Empty.sums": [IDS[4]],
    "CartTest > Empty > sums() FAILED": [IDS[4]],
    "src/cart.rs - cart::Cart::add (line 10)": [IDS[6]],
    "1/2 Test #1: joins .........***Failed": [IDS[7]],
    "1 - joins (Failed)": [IDS[7]],
}


@pytest.mark.parametrize("goal", GOALS)
def test_a_goal_names_tests_of_every_language(goal: str) -> None:
    assert resolve(goal, IDS) == GOALS[goal]


def test_a_goal_that_names_none_gets_the_nearest() -> None:
    with pytest.raises(GoalError) as caught:
        resolve("failing test TestAdd/two_coinz", IDS)
    assert IDS[2] in caught.value.names


def protected(chosen: Chosen, path: str) -> str:
    return is_protected(path) or chosen.protects(path)


PROTECTED = {
    "vitest": [
        "package.json",
        "vite.config.ts",
        "src/a.spec.ts",
        "packages/x/tsconfig.build.json",
        "node_modules/chai/index.js",
        "__tests__/a.ts",
    ],
    "cargo test": [
        "Cargo.toml",
        ".cargo/config.toml",
        "build.rs",
        "tests/it.rs",
        "crates/a/Cargo.toml",
        "rust-toolchain.toml",
    ],
    "go test": ["go.mod", "a/b_test.go", "testdata/x.json", "vendor/x/y.go", "internal/testutil/util.go"],
    "maven": [
        "pom.xml",
        "core/pom.xml",
        ".mvn/jvm.config",
        "src/test/resources/x.properties",
        "src/test/java/Helper.java",
    ],
    "gradle": [
        "build.gradle.kts",
        "buildSrc/src/main/x.gradle",
        "gradle/libs.versions.toml",
        "gradlew",
        "src/testFixtures/java/A.java",
        "a/src/integrationTest/java/B.java",
    ],
    "ctest": ["CMakeLists.txt", "lib/CMakeLists.txt", "cmake/Find.cmake", "tests/x.c"],
    "make": ["Makefile", "rules.mk", "tests/check.c"],
}


@pytest.mark.parametrize("name", PROTECTED)
def test_tests_and_what_decides_how_they_run_are_protected(name: str) -> None:
    chosen = choose_runner("", project(DETECTED[name]))
    assert [path for path in PROTECTED[name] if not protected(chosen, path)] == []
    assert [
        path
        for path in ("src/a.ts", "src/lib.rs", "money/money.go", "src/main/java/A.java", "src/x.c")
        if protected(chosen, path)
    ] == []


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("vitest.config.ts", "export default { test: { setupFiles: './src/prepare.ts', include: ['src/a.ts'] } }"),
        ("vitest.config.ts", "export default { test: {\n globalSetup: [\n 'src/prepare',\n ] } }"),
        ("jest.config.js", "module.exports = { setupFilesAfterEnv: ['<rootDir>/src/prepare.ts'] }"),
        ("jest.config.js", "module.exports = { setupFiles: [require.resolve('./src/prepare.ts')] }"),
        ("package.json", '{"jest": {"setupFiles": ["./src/prepare.ts"]}, "devDependencies": {"jest": "1"}}'),
    ],
)
def test_what_the_configuration_runs_before_the_tests_is_protected(config: str, text: str) -> None:
    files = {config: text, "src/prepare.ts": "", "src/a.ts": "", "src/a.test.ts": ""}
    chosen = choose_runner("", project(files))
    assert chosen.protects("src/prepare.ts") and not chosen.protects("src/a.ts")


def test_a_file_that_the_command_names_is_protected() -> None:
    chosen = choose_runner("sh ./scripts/check.sh --all && python3 tools/extra.py", project({}))
    assert (
        chosen.protects("scripts/check.sh")
        and chosen.protects("tools/extra.py")
        and not chosen.protects("scripts/other.sh")
    )


def test_files_with_tests_beside_the_code_are_not_protected_whole() -> None:
    assert collected_files(["src/lib.rs::tests::a", "odd/name.js::b"]) == {"odd/name.js"}


GO_ALONE = {"go.mod": "module x\n", "a.go": "package a\n", "a_test.go": "package a\n"}
JEST_ALONE = {"package.json": '{"scripts": {"test": "jest"}}', "src/a.js": "x", "test/a.test.js": "x"}


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (GO_ALONE | {"scripts/test_env.py": "x"}, "go test"),
        ({"go.mod": "module x\n", "a_test.go": "package a\n", "scripts/x.py": "x"}, "go test"),
        (JEST_ALONE | {"tools/test_gen.py": "x"}, "jest"),
        (GO_ALONE | {"test_a.py": "x"}, "Python"),
        (GO_ALONE | {"tests/test_a.py": "x", "pkg/a.py": "x", "pkg/b.py": "x"}, "Python"),
        (GO_ALONE | {"tests/test_a.py": "x", "setup.py": "x"}, "Python"),
        ({"Makefile": "test:\n\tpytest\n", "src/a.c": "x", "src/b.c": "x", "tests/test_a.py": "x"}, "Python"),
        ({"package.json": "\ufeff" + JEST_ALONE["package.json"], "a.test.js": "x"}, "jest"),
    ],
)
def test_a_python_test_of_the_tools_does_not_make_a_python_project(files: dict[str, str], name: str) -> None:
    assert choose_runner("", project(files)).name == name


def test_a_package_json_that_cannot_be_read_is_said_to_be_so() -> None:
    chosen = choose_runner("", project({"package.json": "{", "a.test.js": "x"}))
    assert chosen.name == "Python" and "package.json cannot be read" in chosen.why
