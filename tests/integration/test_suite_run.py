"""Collecting and running real tests: outcomes that tests cannot forge, limits, crashes, coverage."""

from __future__ import annotations

import time
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from coder_tools.contract import TestResult
from coder_tools.testing import Suite, TestRunFailed

OpenSuite = Callable[..., Suite]


def run(suite: Suite, ids: list[str] | None = None, **more: object) -> dict[str, TestResult]:
    options: dict[str, object] = {"timeout": 60.0, "test_timeout": 10.0, **more}
    results = suite.run(ids, **options)  # type: ignore[arg-type]
    return {result.id.rpartition("::")[2].rpartition(".")[2]: result for result in results}


def outcomes(results: dict[str, TestResult]) -> dict[str, str]:
    return {name: result.outcome for name, result in results.items()}


OUTCOMES = """
import pytest, unittest
def helper(): raise ValueError("deep")
def test_passes(): pass
def test_fails(): assert 1 + 1 == 3
def test_raises(): helper()
def test_skips(): pytest.skip("not now")
@pytest.mark.skip
def test_is_skipped(): pass
@pytest.mark.xfail
def test_xfails(): assert 0
@pytest.mark.xfail
def test_xpasses(): pass
@pytest.mark.xfail(strict=True)
def test_strict(): pass
@pytest.fixture
def broken(): raise OSError("no")
def test_setup(broken): pass
@pytest.fixture
def breaks_later():
    yield
    raise OSError("late")
def test_teardown(breaks_later): pass
def test_exits(): raise SystemExit(0)
@pytest.mark.parametrize("x", ["a::b", "[", "é", "\\n"])
def test_parameters(x): assert x
class TestCase(unittest.TestCase):
    def test_case(self): self.assertEqual(1, 2)
    def test_case_skips(self): self.skipTest("x")
    @unittest.expectedFailure
    def test_case_xfails(self): self.fail()
    @unittest.expectedFailure
    def test_case_xpasses(self): pass
"""


def test_outcomes_are_what_pytest_says(open_suite: OpenSuite) -> None:
    found = run(open_suite({"tests/test_all.py": OUTCOMES}))
    assert outcomes({name: found[name] for name in found if "]" not in name}) == {
        "test_passes": "passed",
        "test_fails": "failed",
        "test_raises": "failed",
        "test_skips": "skipped",
        "test_is_skipped": "skipped",
        "test_xfails": "xfailed",
        "test_xpasses": "xpassed",
        "test_strict": "failed",
        "test_setup": "error",
        "test_teardown": "error",
        "test_exits": "failed",
        "test_case": "failed",
        "test_case_skips": "skipped",
        "test_case_xfails": "xfailed",
        "test_case_xpasses": "failed",
    }
    assert sum("]" in name for name in found) == 4
    failed = found["test_fails"]
    assert failed.exception == "AssertionError"
    assert "assert (1 + 1) == 3" in failed.message
    assert [(frame.path, frame.function) for frame in found["test_raises"].frames] == [
        ("tests/test_all.py", "test_raises"),
        ("tests/test_all.py", "helper"),
    ]
    assert "not now" in found["test_skips"].message
    assert found["test_setup"].exception == "OSError"


@pytest.mark.parametrize("args", [(), ("pkg",)])
def test_tests_several_directories_down_are_run_by_their_ids(open_suite: OpenSuite, args: tuple[str, ...]) -> None:
    down = "pkg/inner/tests/unit/test_down.py"
    packages = {f"{folder}/__init__.py": "" for folder in ("pkg", "pkg/inner", "pkg/inner/tests")}
    suite = open_suite({down: "def test_a(): pass\n", "pkg/test_up.py": "def test_b(): pass\n", **packages}, args=args)
    asked = [f"{down}::test_a", "pkg/test_up.py::test_b"]
    assert [r.outcome for r in suite.run(asked, timeout=60.0, test_timeout=10.0)] == ["passed", "passed"]


FORGERS = """
import os, sys, pytest, _pytest.reports, _pytest.runner
def test_first(): pass
def test_prints(): print("1 passed"); os.write(1, b"PASSED\\n"); assert 0
def test_rewrites_reports(monkeypatch):
    old = _pytest.reports.TestReport.from_item_and_call.__func__
    def forged(cls, item, call):
        report = old(cls, item, call); report.outcome = "passed"; report.longrepr = None; return report
    _pytest.reports.TestReport.from_item_and_call = classmethod(forged)
    assert 0
def test_writes_everywhere():
    for fd in range(3, 4096):
        try: os.write(fd, b'{"test": {"id": "tests/test_f.py::test_exits", "outcome": "passed"}}\\n')
        except OSError: pass
    assert 0
def test_stops_pytest(): pytest.exit("all is well", 0)
def test_exits(): os._exit(0)
def test_interrupts(): raise KeyboardInterrupt
def test_kills_itself(): os.kill(os.getpid(), 9)
def test_forks_a_twin():
    if os.fork() == 0:
        return  # the twin goes on with the tests
    os._exit(1)
def test_last(): pass
def test_replaces_the_runner():
    def never(cls, func, when, reraise=None):
        return cls(None, None, 0, 0, 0, when, _ispytest=True)
    _pytest.runner.CallInfo.from_call = classmethod(never)
    assert 0
def test_never_runs(): assert 0
"""


def test_no_test_can_claim_to_have_passed(open_suite: OpenSuite) -> None:
    suite = open_suite({"tests/test_f.py": FORGERS})
    found = outcomes(run(suite, list(suite.collect(30).ids)))
    assert found.pop("test_first") == found.pop("test_last") == "passed"
    assert all(outcome in ("failed", "crashed", "missing") for outcome in found.values()), found
    assert found["test_exits"] == found["test_stops_pytest"] == found["test_kills_itself"] == "crashed"


def test_a_test_that_closes_every_descriptor_takes_only_itself_down(open_suite: OpenSuite) -> None:
    code = "import os\ndef test_a(): os.closerange(0, 100000)\ndef test_b(): pass\n"
    assert outcomes(run(open_suite({"test_x.py": code})))["test_b"] == "passed"


HANGS = """
import os, signal, subprocess, sys, time
def test_a(): pass
def test_hangs():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(900)  # WORD"], start_new_session=True)
    while True: time.sleep(1)
def test_b(): pass
def test_slow_but_allowed(): time.sleep(0.6)
def test_c(): pass
"""


def test_a_test_that_hangs_is_ended_with_all_it_started(
    open_suite: OpenSuite, tmp_path: Path, processes_with: Callable[[str], list[int]]
) -> None:
    word = f"coder-{tmp_path.name}-hang"
    suite = open_suite({"test_h.py": HANGS.replace("WORD", word)})
    started = time.monotonic()
    limits = {"test_h.py::test_slow_but_allowed": 30.0, "test_h.py::test_hangs": 1.0}
    found = run(suite, test_timeout=10.0, limits=limits)
    assert time.monotonic() - started < 30
    assert outcomes(found) == {
        "test_a": "passed",
        "test_hangs": "timeout",
        "test_b": "passed",
        "test_slow_but_allowed": "passed",
        "test_c": "passed",
    }
    assert not processes_with(word)


LOOPS = """
def step(n):
    return n + 1
def test_loops():
    n = 0
    while n >= 0:
        n = step(n)
def test_takes_in_every_exception():
    while True:
        try:
            while True:
                step(0)
        except BaseException:
            pass
def test_after(): pass
"""


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
def test_a_test_without_an_end_shows_what_it_ran_and_where_it_was(open_suite: OpenSuite, runner: str) -> None:
    case = "import unittest\nfrom m import *\nclass T(unittest.TestCase):\n"
    case += "".join(f"    def {name}(self): {name}()\n" for name in ("test_loops", "test_takes_in_every_exception"))
    suite = open_suite({"m.py": LOOPS, "test_m.py": case}, runner=runner)
    ids = [i for i in suite.collect(60).ids if "T" in i]
    for coverage in (False, True):
        found = run(suite, ids, test_timeout=1.0, coverage=coverage)
        assert outcomes(found) == {"test_loops": "timeout", "test_takes_in_every_exception": "timeout"}
        assert {frame.path for frame in found["test_loops"].frames} == {"m.py", "test_m.py"}
        assert found["test_loops"].coverage.get("m.py", ()) == (frozenset({3, 5, 6, 7}) if coverage else ())
        assert not found["test_takes_in_every_exception"].frames  # it is killed


def test_what_comes_after_the_last_test_is_not_waited_for(open_suite: OpenSuite) -> None:
    conftest = "import time\ndef pytest_sessionfinish(): time.sleep(60)\n"
    suite = open_suite({"conftest.py": conftest, "test_h.py": "def test_a(): pass"})
    began = time.monotonic()
    assert suite.collect(60).ids == ("test_h.py::test_a",)
    assert outcomes(run(suite)) == {"test_a": "passed"}
    assert time.monotonic() - began < 60  # which is no measure of speed: either would have taken as long by itself


def test_the_whole_has_a_limit_too(open_suite: OpenSuite) -> None:
    suite = open_suite(
        {"test_h.py": "import time\ndef test_a(): pass\ndef test_b(): time.sleep(99)\ndef test_c(): pass\n"}
    )
    found = run(suite, ["test_h.py::test_a", "test_h.py::test_b", "test_h.py::test_c"], timeout=4.0, test_timeout=60.0)
    assert outcomes(found) == {"test_a": "passed", "test_b": "timeout", "test_c": "missing"}


def test_a_flood_of_output_does_no_harm(open_suite: OpenSuite) -> None:
    code = "import os\ndef test_a():\n    for _ in range(300): os.write(1, b'x' * 100_000)\ndef test_b(): pass\n"
    assert outcomes(run(open_suite({"test_x.py": code}, args=["-s"]))) == {"test_a": "passed", "test_b": "passed"}


def test_only_the_tests_asked_for_run_in_the_order_of_the_files(open_suite: OpenSuite) -> None:
    files = {f"tests/test_{n}.py": "def test_a(): pass\ndef test_b(): pass\n" for n in range(3)}
    files["tests/test_9.py"] = "raise RuntimeError('never imported')\n"
    ids = ["tests/test_2.py::test_b", "tests/test_0.py::test_a", "tests/none.py::test_x"]
    seen: list[str] = []
    suite = open_suite(files)
    results = suite.run(ids[:2], timeout=60, test_timeout=10, on_result=lambda result: seen.append(result.id))
    assert [result.outcome for result in results] == ["passed", "passed"]
    assert seen == [ids[1], ids[0]]
    assert [result.outcome for result in suite.run(ids, timeout=60, test_timeout=10)] == ["passed", "passed", "missing"]


def test_it_stops_at_the_first_failure_when_told_to(open_suite: OpenSuite) -> None:
    suite = open_suite({"test_x.py": "def test_a(): assert 0\ndef test_b():\n    import time; time.sleep(30)\n"})
    assert outcomes(run(suite, stop_on_fail=True)) == {"test_a": "failed"}


def test_files_that_cannot_be_collected_are_named_and_left_out(open_suite: OpenSuite) -> None:
    suite = open_suite(
        {
            "tests/test_good.py": "def test_a(): pass\n",
            "tests/test_bad.py": "import nothing_of_the_kind\n",
            "tests/test_worse.py": "def test_x(:\n",
        }
    )
    found = suite.collect(60)
    assert found.ids == ("tests/test_good.py::test_a",)
    assert [error.path for error in found.errors] == ["tests/test_bad.py", "tests/test_worse.py"]
    assert "No module named 'nothing_of_the_kind'" in found.errors[0].message
    assert "SyntaxError" in found.errors[1].message
    assert outcomes(run(suite)) == {"test_a": "passed"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"README": ""}, "no tests"),
        ({"conftest.py": "import nothing_here\n", "test_a.py": "def test_a(): pass\n"}, "nothing_here"),
        ({"pytest.ini": "[pytest]\naddopts = --no-such-option\n", "test_a.py": ""}, "no-such-option"),
    ],
)
def test_where_nothing_can_be_collected_the_reason_is_given(
    open_suite: OpenSuite, files: dict[str, str], words: str
) -> None:
    with pytest.raises(TestRunFailed, match=words):
        open_suite(files).collect(60)


def test_the_projects_settings_stay_but_for_those_in_the_way(open_suite: OpenSuite) -> None:
    ini = "[pytest]\naddopts = -x --lf --junitxml=report.xml -p no:doctest\nmarkers = slow\npython_files = check_*.py\n"
    files = {
        "pytest.ini": ini,
        "check_a.py": "import pytest\ndef test_a(): assert 0\n@pytest.mark.slow\ndef test_b(mine): assert mine == 3\n",
        "conftest.py": "import pytest\n@pytest.fixture\ndef mine(): return 3\n",
        "test_no.py": "def test_no(): pass\n",
    }
    suite = open_suite(files)
    assert outcomes(run(suite)) == {"test_a": "failed", "test_b": "passed"}
    assert outcomes(run(suite)) == {"test_a": "failed", "test_b": "passed"}


def test_running_tests_leaves_nothing_in_the_project(open_suite: OpenSuite, tmp_path: Path) -> None:
    suite = open_suite({"test_a.py": "def test_a(tmp_path): (tmp_path / 'x').touch()\n", "lib.py": "import os\n"})
    run(suite, coverage=True)
    assert sorted(path.name for path in (tmp_path / "project").iterdir()) == ["lib.py", "test_a.py"]


def test_coverage_is_of_each_test_by_itself(open_suite: OpenSuite) -> None:
    lib = (
        "def f(x):\n    if x:\n        return 1\n    return [\n        y for y in range(3)\n    ]\n"
        "\ndef g():\n    yield 1\n    yield 2\n"
    )
    test = (
        "import threading\nfrom lib import f, g\n"
        "def test_a(): f(1)\n"
        "def test_b(): f(0)\n"
        "def test_c():\n    t = threading.Thread(target=f, args=(1,)); t.start(); t.join()\n"
        "def test_d(): next(g())\n"
        "def test_e(): f(1)\n"
    )
    found = run(open_suite({"lib.py": lib, "test_l.py": test}), coverage=True)
    lines = {name: sorted(result.coverage.get("lib.py", ())) for name, result in found.items()}
    assert lines["test_a"] == lines["test_c"] == lines["test_e"] == [2, 3]
    assert lines["test_b"][:2] == [2, 4]
    assert 3 not in lines["test_b"]
    assert lines["test_d"] == [9]
    assert set(found["test_a"].coverage) == {"lib.py", "test_l.py"}


def test_lines_are_noted_of_the_tests_that_were_named_only(open_suite: OpenSuite) -> None:
    pytest_tests = "from lib import f\n\ndef test_a(): f(1)\n\ndef test_b(): f(1)\n"
    found = run(
        open_suite({"lib.py": "def f(x):\n    return x\n", "test_l.py": pytest_tests}), coverage=["test_l.py::test_b"]
    )
    assert {name: bool(result.coverage) for name, result in found.items()} == {"test_a": False, "test_b": True}
    methods = "    def test_a(self): f(1)\n    def test_b(self): f(1)\n"
    unittest_tests = f"import unittest\nfrom lib import f\n\nclass T(unittest.TestCase):\n{methods}"
    suite = open_suite({"lib.py": "def f(x):\n    return x\n", "test_l.py": unittest_tests}, runner="unittest")
    found = run(suite, coverage=["test_l.T.test_b"])
    assert {name: bool(result.coverage) for name, result in found.items()} == {"test_a": False, "test_b": True}


UNITTEST = """
import asyncio, unittest
class Plain(unittest.TestCase):
    def test_passes(self): pass
    def test_fails(self): self.assertEqual(1, 2)
    def test_raises(self): {}["x"]
    def test_skips(self): self.skipTest("no")
    def test_subtests(self):
        for n in range(3):
            with self.subTest(n=n): self.assertNotEqual(n, 1)
    @unittest.expectedFailure
    def test_xfails(self): self.fail()
    @unittest.expectedFailure
    def test_xpasses(self): pass
class Async(unittest.IsolatedAsyncioTestCase):
    async def test_async(self): await asyncio.sleep(0)
class NoSetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise OSError("no class")
    def test_never(self): pass
    def test_never_either(self): pass
class LateFault(unittest.TestCase):
    @classmethod
    def tearDownClass(cls): raise OSError("late")
    def test_before(self): pass
    def test_last(self): pass
class Dies(unittest.TestCase):
    def test_dies(self):
        import os; os._exit(0)
    def test_lives(self): pass
"""


def test_unittest_outcomes(open_suite: OpenSuite) -> None:
    suite = open_suite(
        {"tests/__init__.py": "", "tests/test_u.py": UNITTEST, "tests/test_bad.py": "import gone\n"}, runner="unittest"
    )
    found = suite.collect(60)
    assert found.runner == "unittest"
    assert [error.path for error in found.errors] == ["tests/test_bad.py"]
    assert "gone" in found.errors[0].message
    results = run(suite, list(found.ids), coverage=True)
    assert outcomes(results) == {
        "test_async": "passed",
        "test_dies": "crashed",
        "test_lives": "passed",
        "test_before": "passed",
        "test_last": "error",
        "test_never": "error",
        "test_never_either": "error",
        "test_fails": "failed",
        "test_passes": "passed",
        "test_raises": "error",
        "test_skips": "skipped",
        "test_subtests": "failed",
        "test_xfails": "xfailed",
        "test_xpasses": "failed",
    }
    assert results["test_raises"].exception == "KeyError"
    assert results["test_never_either"].message == "OSError: no class"
    assert results["test_fails"].coverage["tests/test_u.py"]


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing in it."""
    place = tmp_path_factory.mktemp("bare")
    venv.create(place, with_pip=False, symlinks=True)
    return place / "bin" / "python"


def test_without_pytest_unittest_is_taken(open_suite: OpenSuite, bare_python: Path) -> None:
    suite = open_suite({"tests/test_u.py": UNITTEST}, python=bare_python)
    assert suite.collect(60).runner == "unittest"
    assert outcomes(run(suite))["test_passes"] == "passed"


@pytest.mark.parametrize("runner", ["auto", "pytest"])
def test_a_target_without_pytest_is_told_so(open_suite: OpenSuite, bare_python: Path, runner: str) -> None:
    suite = open_suite({"tests/test_a.py": "def test_a(): pass\n"}, python=bare_python, runner=runner)
    with pytest.raises(TestRunFailed, match=f"No module named pytest in {bare_python}"):
        suite.collect(60)


MANY = "import pytest\n@pytest.mark.parametrize('x', range({0}))\ndef test_x(x): assert x != {0} - 1\n"


@pytest.mark.slow
def test_a_hundred_thousand_tests(open_suite: OpenSuite) -> None:
    """Each is known and any can be run; where the time is not enough for all, it ends, and each is accounted for."""
    suite = open_suite({"test_many.py": MANY.format(100_000)})
    found = suite.collect(120)
    assert len(found.ids) == 100_000
    few = suite.run(found.ids[-2:], timeout=120, test_timeout=10)
    assert [result.outcome for result in few] == ["passed", "failed"]
    cut_short = suite.run(found.ids, timeout=2, test_timeout=10)
    assert [result.id for result in cut_short] == list(found.ids)
    assert {result.outcome for result in cut_short} <= {"passed", "missing"}


def test_thousands_of_tests_are_told_one_by_one(open_suite: OpenSuite) -> None:
    suite = open_suite({"test_many.py": MANY.format(3_000)})
    told: list[TestResult] = []
    results = suite.run(suite.collect(120).ids, timeout=300, test_timeout=10, on_result=told.append)
    assert len(told) == len(results) == 3_000
    assert sum(result.passed for result in results) == 2_999


def test_the_target_does_not_see_the_agents_modules(open_suite: OpenSuite) -> None:
    code = (
        "import sys\n"
        "def test_a():\n"
        "    assert not {'suite', 'runner', 'coverage', 'processes'} & set(sys.modules)\n"
        "    assert not any('agent' in p for p in sys.path)\n"
    )
    assert outcomes(run(open_suite({"test_a.py": code}))) == {"test_a": "passed"}


def test_a_project_with_modules_of_the_agents_names(open_suite: OpenSuite) -> None:
    names = ["suite", "runner", "processes", "coverage", "report", "warm", "pool", "execute", "project"]
    files = {f"{name}.py": f"HERE = '{name}'\n" for name in names}
    files["test_a.py"] = "".join(f"import {name}\n" for name in names) + (
        f"def test_a(): assert [m.HERE for m in ({', '.join(names)})] == {names}\n"
    )
    assert outcomes(run(open_suite(files))) == {"test_a": "passed"}


def test_stdin_is_empty_and_there_is_a_home(open_suite: OpenSuite) -> None:
    code = (
        "import os, sys, pathlib, shutil\n"
        "def test_a():\n"
        "    assert os.read(0, 1) == b''\n"
        "    (pathlib.Path.home() / 'x').write_text('x')\n"
        "    assert shutil.get_terminal_size().columns == 80\n"
    )
    assert outcomes(run(open_suite({"test_a.py": code}, args=["-s"]))) == {"test_a": "passed"}


def test_interpreter_is_the_targets(open_suite: OpenSuite, target_python: Path) -> None:
    code = f"import sys\ndef test_a(): assert sys.executable == {str(target_python)!r}\n"
    assert outcomes(run(open_suite({"test_a.py": code}))) == {"test_a": "passed"}


THINGS = """\
import collections


class Thing:
    colour = "red"

    def __init__(self):
        self.parts = []


def use(thing, count):
    total = count
    return total + len(thing.parts)
"""


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
def test_what_variables_hold_on_a_line(open_suite: OpenSuite, runner: str) -> None:
    test = "import things, unittest\nclass TestUse(unittest.TestCase):\n    def test_use(self):\n"
    test += "        things.use(things.Thing(), 1)\n        things.use(None, 'x')\n"
    suite = open_suite({"things.py": THINGS, "tests/__init__.py": "", "tests/test_use.py": test}, runner=runner)
    ids = [found.id for found in suite.run(None, timeout=60.0, test_timeout=10.0)]
    seen = suite.observe(ids, {"things.py": [8, 13], "other.py": [1]}, timeout=60.0, test_timeout=10.0)
    assert set(seen.lines) == {("things.py", 8), ("things.py", 13)}
    line = seen.lines["things.py", 13]
    assert line["thing"] == {"things.Thing", "NoneType"}
    assert line["thing.parts"] == {"list"}
    assert line["count"] == line["total"] == {"int", "str"}
    assert {"colour", "parts"} <= seen.members["things.Thing"]  # on its first sighting it had no parts yet
    assert "append" in seen.members["list"]


def test_where_names_are_in_what_is_installed(open_suite: OpenSuite) -> None:
    suite = open_suite({"tests/test_a.py": "def test_a(): pass\n", "mine.py": "Mapping = 1\n"})
    wanted = [("collections", "Mapping"), ("", "configparser"), ("", "TemporaryDirectory"), ("no.such", "x")]
    members, homes = suite.library(wanted, timeout=60.0)
    assert "OrderedDict" in members["collections"]
    assert "collections.abc" in homes["Mapping"][:2]
    assert "mine" not in homes["Mapping"]
    assert homes["configparser"][0] == "configparser"
    assert homes["TemporaryDirectory"][0] == "tempfile"
    assert members["no.such"] == ()
