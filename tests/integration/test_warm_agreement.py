"""The warm validator says of each candidate what a process says that has the file really changed."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from coder_tools.contract import Splice
from coder_tools.testing import Suite

OpenSuite = Callable[..., Suite]

CORE = '''\
"""A module with everything in it that can be changed."""
import asyncio
import dataclasses
import enum
import functools

LIMIT = 3
TABLE = [n * n for n in range(4)]


def build(n):
    return {k: k + 1 for k in range(n)}


MAP = build(3)


def clamp(x, low=0, high=10):
    """Between two bounds.

    >>> clamp(-3), clamp(4), clamp(12)
    (0, 4, 10)
    """
    if x < low:
        return low
    return high if x > high else x


def counted(times=1):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            wrapper.calls += times
            return function(*args)

        wrapper.calls = 0
        return wrapper

    return decorate


@counted(times=2)
def twice(x):
    return x * 2


@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def numbers(n):
    for i in range(n):
        if i % 2 == 0:
            yield i


async def fetch(n):
    await asyncio.sleep(0)
    return n + 1


def total(items):
    result = 0
    for item in items:
        result += item
    return result


def sorter(reverse=False):
    key = lambda pair: pair[1]
    return lambda pairs: sorted(pairs, key=key, reverse=reverse)


class Color(enum.Enum):
    RED = 1
    BLUE = 2

    @property
    def next(self):
        return Color.BLUE if self.value == 1 else Color.RED


@dataclasses.dataclass
class Point:
    x: int = 0
    y: int = 1

    def __add__(self, other):
        return Point(self.x + other.x, self.y + other.y)

    @staticmethod
    def origin():
        return Point(0, 0)

    @classmethod
    def unit(cls):
        return cls(1, 1)

    def __secret(self):
        return self.x - self.y

    def secret(self):
        return self.__secret()


class Base:
    step = 2

    def __init_subclass__(cls):
        cls.name = cls.__name__.lower() + str(1)

    def move(self, n):
        return n + self.step


class Derived(Base):
    def move(self, n):
        return super().move(n) + 1

    @property
    def far(self):
        return self.move(self.step) > 3


if LIMIT > 2:
    def guarded(x):
        try:
            return 10 // x
        except ZeroDivisionError:
            return -1
'''

CONFTEST = """\
import pytest
from shop.core import Point, total
@pytest.fixture(scope="session")
def unit(): return Point.unit()
@pytest.fixture(scope="package")
def box(unit): return [unit]
@pytest.fixture(scope="module")
def shelf(box):
    yield [*box, *box]
    assert total([len(box)]) == 1
"""

DEEPER = """\
import os, pytest
@pytest.fixture(scope="class")
def crate(shelf): return [*shelf, shelf[0]]
@pytest.fixture(autouse=True)
def elsewhere(tmp_path):
    before = os.getcwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)
"""

DEEPER_TESTS = """\
import os
from shop import core
class TestCrate:
    def test_crate(self, crate): assert core.total([point.x for point in crate]) == 3
    def test_a_place_of_its_own(self, elsewhere):
        with open("total", "w") as file: file.write(str(core.total([1, 2])))
        assert (elsewhere / "total").read_text() == "3"
def test_sets_a_variable():
    os.environ["SHOP_LIMIT"] = str(core.LIMIT)
    assert os.environ["SHOP_LIMIT"] == "3"
def test_reads_a_variable(): assert int(os.environ.get("SHOP_LIMIT", "3")) == core.LIMIT
"""

TESTS = """\
import asyncio
import pytest
from shop import core
from shop.core import Color, Derived, Point
@pytest.mark.parametrize("x, y", [(-5, 0), (5, 5), (50, 10), (0, 0), (10, 10)])
def test_clamp(x, y): assert core.clamp(x) == y
def test_tables(): assert (core.TABLE, core.MAP) == ([0, 1, 4, 9], {0: 1, 1: 2, 2: 3})
def test_twice():
    assert core.twice(4) == 8
    assert core.twice.calls == 2
def test_fib(): assert core.fib(10) == 55
def test_numbers(): assert list(core.numbers(5)) == [0, 2, 4]
def test_fetch(): assert asyncio.run(core.fetch(1)) == 2
def test_total(): assert core.total([1, 2, 3]) == 6
def test_sorter(): assert core.sorter(True)([(1, 2), (0, 3)]) == [(0, 3), (1, 2)]
def test_color(): assert (Color.RED.next, Color.BLUE.next) == (Color.BLUE, Color.RED)
def test_point(unit):
    assert Point() + unit == Point(1, 2)
    assert (Point.origin().secret(), Point(3, 1).secret()) == (0, 2)
def test_derived(): assert (Derived().move(1), Derived().far, Derived.name) == (4, True, "derived1")
def test_guarded(): assert (core.guarded(3), core.guarded(0)) == (3, -1)
def test_limit(): assert core.LIMIT == 3
"""

AS_UNITTEST = """
import unittest
class T(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.unit = Point.unit()
"""

ORACLE = """\
import json, os, shutil, sys, unittest
root, place, runner, names = sys.argv[1:5]
sys.path[:0] = ["", "src"]
sys.dont_write_bytecode = True
try: import pytest
except ImportError: pass

def of_pytest(ids):
    said = {}
    class Plugin:
        def pytest_runtest_logreport(self, report):
            said[report.nodeid] = said.get(report.nodeid, True) and report.passed
    pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:randomly", *ids], plugins=[Plugin()])
    return said

def of_unittest(ids):
    said = {}
    try: suite = unittest.defaultTestLoader.discover("tests", top_level_dir=".")
    except BaseException: return {}
    class Result(unittest.TestResult):
        def addSuccess(self, test): said[test.id()] = True
        def addError(self, test, error):
            if "setUpClass" in test.id(): said[test.id()] = False
    suite.run(Result())
    return said

goal, companions = json.loads(names)
for line in sys.stdin:
    key, path, content = json.loads(line)
    here = os.path.join(place, "one")
    shutil.copytree(root, here)
    with open(os.path.join(here, path), "w") as file: file.write(content)
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        import resource
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        os.chdir(here)
        sys.path_importer_cache.clear()  # what "src" was before the change of directory
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(nothing, fd)
        said = (of_pytest if runner == "pytest" else of_unittest)([*goal, *companions])
        known = set(goal) <= set(said) or runner == "unittest" and bool(said)
        verdict = "broken" if not said else "failed" if not all(said.get(t) for t in goal) else (
            "plausible" if all(said.get(t) for t in companions) else "goal")
        os.write(theirs, verdict.encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as file: verdict = file.read()
    status = os.waitpid(pid, 0)[1]
    shutil.rmtree(here)
    print(json.dumps([key, verdict or "timeout"]), flush=True)
"""


def mutations(source: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, text): every small change of a kind."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def span(node: Any) -> tuple[int, int]:
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    others: dict[type[ast.AST], str] = {
        ast.Lt: ">=",
        ast.Gt: "<=",
        ast.Eq: "!=",
        ast.Add: "-",
        ast.Sub: "+",
        ast.Mult: "+",
        ast.Mod: "*",
    }
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Constant(value=int()):
                yield (*span(node), str(int(node.value) + 1))
                yield (*span(node), str(int(node.value) - 1))
            case ast.Return(value=ast.expr() as value):
                yield (*span(value), "None")
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in others:
                yield span(left)[1], span(right)[0], f" {others[type(op)]} "
            case ast.BinOp(left=left, op=op, right=right) if type(op) in others:
                yield span(left)[1], span(right)[0], f" {others[type(op)]} "
            case ast.FunctionDef(decorator_list=[decorator]):
                yield span(decorator)[0] - 1, span(decorator)[1], "# none"
            case ast.FunctionDef() | ast.ClassDef():
                start = span(node)[0] + source[span(node)[0] :].index(node.name)
                yield start, start + len(node.name), f"{node.name}_"
            case ast.Expr(value=ast.Constant()):
                yield (*span(node), '"""Another."""')
            case ast.Assign() | ast.AugAssign() | ast.If():
                yield span(node)[0], span(node)[0], "pass\n" + " " * node.col_offset
                yield span(node)[0], span(node)[0], "raise ValueError\n" + " " * node.col_offset
            case ast.Name(ctx=ast.Load()):
                yield (*span(node), "None")
            case ast.For():
                yield (*span(node), "while True: pass")


def oracle(root: Path, place: Path, runner: str, names: Any, asked: list[list[str]], python: Path) -> dict[str, str]:
    """Verdicts of processes that have nothing of the project before the file is changed."""
    script = place / "oracle.py"
    script.write_text(ORACLE)
    argv = [python, script, root, place, runner, json.dumps(names)]
    lines = "".join(json.dumps(one) + "\n" for one in asked)
    done = subprocess.run(argv, input=lines, capture_output=True, text=True, cwd=root, check=True)
    return dict(json.loads(line) for line in done.stdout.splitlines())


def as_unittest(tests: str) -> str:
    """The same tests as cases."""
    head, _, rest = tests.partition("@pytest")
    body = rest.partition("\n")[2]
    cases = "def test_clamp(self):\n    for x, y in [(-5, 0), (5, 5), (50, 10)]: self.assertEqual(core.clamp(x), y)\n"
    for line in body.splitlines(keepends=True)[1:]:
        line = line.replace("(unit):", "():").replace(" unit", " self.unit")
        cases += line.replace("():", "(self):", 1) if line.startswith("def") else line
    return head.replace("import pytest\n", "") + AS_UNITTEST + "".join(f"    {line}\n" for line in cases.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["pytest", "namespace", "unittest"])
def test_the_warm_validator_agrees_with_a_changed_file(
    open_suite: OpenSuite, target_python: Path, tmp_path: Path, layout: str
) -> None:
    """Each layout with a sample of its own. `namespace`: a package without an __init__.py, and doctests, for which
    pytest imports the module a second time."""
    runner = "unittest" if layout == "unittest" else "pytest"
    files = {"src/shop/core.py": CORE, "tests/__init__.py": ""}
    if layout != "namespace":
        files["src/shop/__init__.py"] = ""
    if runner == "pytest":
        options = "addopts = --doctest-modules\ntestpaths = src tests\n" if layout == "namespace" else ""
        files |= {
            "tests/test_core.py": TESTS,
            "tests/conftest.py": CONFTEST,
            "tests/deeper/__init__.py": "",
            "tests/deeper/conftest.py": DEEPER,
            "tests/deeper/test_places.py": DEEPER_TESTS,
            "pytest.ini": f"[pytest]\npythonpath = src\n{options}",
        }
    else:
        files |= {"tests/test_core.py": "import sys; sys.path.insert(0, 'src')\n" + as_unittest(TESTS)}
    suite = open_suite(files, runner=runner)
    ids = suite.collect(60).ids
    goal = [test for test in ids if "clamp" in test or "point" in test]
    companions = [test for test in ids if test not in goal]
    assert len(ids) > 10
    edits = list(dict.fromkeys(mutations(CORE)))
    assert len(edits) >= 200
    every = int(os.environ.get("CODER_EVERY", "16"))  # 1 for all of them: minutes
    first = every // 2 if layout == "namespace" else 0
    edits = [edit for n, edit in enumerate(edits) if n % every == first or "while True" in edit[2]]
    path = "src/shop/core.py"
    contents = [[str(n), path, CORE[:a] + text + CORE[b:]] for n, (a, b, text) in enumerate(edits)]
    clean = tmp_path / "clean"
    shutil.copytree(tmp_path / "project", clean)
    expected = oracle(clean, tmp_path, runner, [goal, companions], contents, target_python)
    assert suite.open_warm(goal, 2) == ""
    asked = [(str(n), [Splice(path, a, b, text)], companions, 5.0) for n, (a, b, text) in enumerate(edits)]
    found = {result.key: result for result in suite.check(asked, timeout=600, cpu=1.0)}
    wrong = {edits[int(key)]: (expected[key], found[key]) for key in expected if found[key].verdict != expected[key]}
    assert not wrong
    verdicts = [result.verdict for result in found.values()]
    assert {"plausible", "goal", "failed", "broken", "timeout"} <= set(verdicts)
    assert len(found) == len(edits)
