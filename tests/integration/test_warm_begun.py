"""A goal test that is begun before the forks says what it says in a process of its own, and only some are begun."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from coder_tools.contract import Splice
from coder_tools.testing import Suite

MODULE = """\
import sys
import traceback
import unittest
import warnings
import pytest


def double(x):
    sys.intern("")  # compiled in another way where the module imports it
    return x
"""
BODY = "return x"
ENDINGS = {
    "right": "return 2 * x",
    "wrong": "return 3 * x",
    "raises": "raise ValueError(x)",
    "skips": "raise unittest.SkipTest('no')",
    "skips in pytest's way": "pytest.skip('no')",
    "fails": "pytest.fail('no')",
    "fails as expected": "pytest.xfail('no')",
    "exits": "sys.exit(0)",
    "ends the run": "raise KeyboardInterrupt",
    "warns": "warnings.warn('no')\n    return 2 * x",
    "is deprecated": "warnings.warn('no', DeprecationWarning)\n    return 2 * x",
    "fails when it is thrown away": "type('Dying', (), {'__del__': lambda self: 1 / 0})()\n    return 2 * x",
}
WHERE = "raise LookupError('_call' in [frame.name for frame in traceback.extract_stack()])"
BEGUN = {
    "function": "def test_one(): assert double(2) == 4\n",
    "parametrised": "@pytest.mark.parametrize('x', [2])\ndef test_one(x): assert double(x) == 4\n",
    "method": "class TestIt:\n    def test_one(self): assert double(2) == 4\n",
    "gives a value back": "def test_one(): return double(2) == 4 or 1 / 0\n",
    "case": "import unittest\nclass T(unittest.TestCase):\n    def test_one(self): self.assertEqual(double(2), 4)\n",
    "case with a set-up": "import unittest\nclass T(unittest.TestCase):\n    def setUp(self): self.x = double(2)\n"
    "    def test_one(self): self.assertEqual(self.x, 4)\n",
}
WHOLE = {
    "fixture": "@pytest.fixture\ndef x(): return double(2)\ndef test_one(x): assert x == 4\n",
    "fixture for all": "@pytest.fixture(autouse=True)\ndef x(): assert double(2) == 4\ndef test_one(): double(2)\n",
    "set-up of the module": "def setup_module(): assert double(2) == 4\ndef test_one(): double(2)\n",
    "set-up of the class": "import unittest\nclass T(unittest.TestCase):\n    @classmethod\n"
    "    def setUpClass(cls): assert double(2) == 4\n    def test_one(self): double(2)\n",
    "set-up of a method": "class TestIt:\n    def setup_method(self): assert double(2) == 4\n"
    "    def test_one(self): double(2)\n",
    "condition": "@pytest.mark.skipif('double(1) == 3')\ndef test_one(): assert double(2) == 4\n",
    "expected to fail": "@pytest.mark.xfail\ndef test_one(): assert double(2) == 4\n",
    "marks itself": "def test_one(request):\n    request.applymarker(pytest.mark.xfail)\n    assert double(2) == 4\n",
    "base": "class Base: pass\nclass TestIt(Base):\n    def test_one(self): assert double(2) == 4\n",
    "hook": "def test_one(): assert double(2) == 4\n",
}
HOOK = "def pytest_runtest_setup(item):\n    from module import double\n    assert double(2) == 4\n"
INI = """\
[pytest]
pythonpath = .
filterwarnings =
    error
    ignore::DeprecationWarning
    ignore::pytest.PytestReturnNotNoneWarning
"""
FRESH = """\
import json, os, sys
import pytest
found = {}
for key, source in json.load(sys.stdin).items():
    ours, theirs = os.pipe()
    if os.fork() == 0:
        with open("module.py", "w") as file: file.write(source)
        sys.dont_write_bytecode, sys.stdout, reports = True, sys.stderr, []
        class Plugin:
            def pytest_runtest_logreport(self, report): reports.append(report)
        code = pytest.main(["-q", "-p", "no:cacheprovider", sys.argv[1]], plugins=[Plugin()])
        passes = len(reports) == 3 and all(report.passed for report in reports) and code == 0
        os.write(theirs, b"plausible" if passes else b"failed")
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as file: found[key] = file.read()
    os.wait()
print(json.dumps(found))
"""


def project(tests: str, hook: str = "") -> dict[str, str]:
    """The files of a project with one test."""
    files = {"module.py": MODULE, "pytest.ini": INI, "test_it.py": "import pytest\nfrom module import double\n" + tests}
    return files | ({"conftest.py": hook} if hook else {})


def checked(suite: Suite, tests: str, bodies: dict[str, str]) -> tuple[str, dict[str, tuple[str, str]]]:
    """The one test's id, and what the warm validator says of each body of the function."""
    test = "::".join(["test_it.py", *re.findall("^class (T.*?)[(:]", tests, re.MULTILINE), "test_one"]) + (
        "[2]" if "[2]" in tests else ""
    )
    assert suite.open_warm([test], 2) == ""
    start = MODULE.index(BODY)
    candidates = [(key, [Splice("module.py", start, start + len(BODY), body)], (), 5.0) for key, body in bodies.items()]
    return test, {r.key: (r.verdict, r.message) for r in suite.check(candidates, timeout=60, cpu=2.0)}


@pytest.mark.parametrize("kind", BEGUN)
def test_a_test_begun_before_the_fork_ends_as_a_whole_one(
    open_suite: Callable[..., Suite], target_python: Path, tmp_path: Path, kind: str
) -> None:
    suite = open_suite(project(BEGUN[kind]), runner="pytest")
    test, found = checked(suite, BEGUN[kind], ENDINGS | {"where": WHERE})
    assert found.pop("where") == ("failed", "LookupError: True")
    clean = tmp_path / "clean"
    clean.mkdir()
    for name, text in project(BEGUN[kind]).items():
        (clean / name).write_text(text)
    script = tmp_path / "fresh.py"
    script.write_text(FRESH)
    sources = json.dumps({key: MODULE.replace(BODY, body) for key, body in ENDINGS.items()})
    done = subprocess.run([target_python, script, test], input=sources, capture_output=True, text=True, cwd=clean)
    expected = json.loads(done.stdout)
    assert {key: found[key][0] for key in expected} == expected
    assert {"plausible", "failed"} <= set(expected.values())


@pytest.mark.parametrize("kind", WHOLE)
def test_what_comes_before_the_function_sees_the_candidate(open_suite: Callable[..., Suite], kind: str) -> None:
    suite = open_suite(project(WHOLE[kind], HOOK if kind == "hook" else ""), runner="pytest")
    _, found = checked(suite, WHOLE[kind], {"right": ENDINGS["right"], "where": WHERE, "wrong": ENDINGS["wrong"]})
    assert found["right"][0] == "plausible"
    assert "True" not in found["where"][1]
    assert found["wrong"][0] == "failed"
