"""The warm validator: verdicts, speed, and candidates that would rather not be checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from coder_tools.contract import CandidateResult, Splice
from coder_tools.testing import Suite

OpenSuite = Callable[..., Suite]

LIB = """\
import functools
LIMIT = 10
def add(a, b):
    return a - b
def other():
    return 1
@functools.lru_cache(maxsize=None)
def cached(n):
    return n
class Shape:
    sides = 3
    def area(self, scale=2):
        return self.sides * scale
"""
TESTS = """\
import lib
def test_add(): assert lib.add(2, 3) == 5
def test_add_zero(): assert lib.add(0, 0) == 0
"""
MORE_TESTS = """\
import lib
def test_other(): assert lib.other() == 1
def test_area(): assert lib.Shape().area() == 6
"""
FILES = {"lib.py": LIB, "tests/test_goal.py": TESTS, "tests/test_more.py": MORE_TESTS}
GOAL = ["tests/test_goal.py::test_add"]
COMPANIONS = ["tests/test_goal.py::test_add_zero", "tests/test_more.py::test_other", "tests/test_more.py::test_area"]
RIGHT = ("a - b", "a + b")


def change(*edits: tuple[str, str], source: str = LIB, path: str = "lib.py") -> list[Splice]:
    """Splices that put the second text of each edit in the place of the first."""
    data = source.encode()
    return [Splice(path, start := data.index(old.encode()), start + len(old.encode()), new) for old, new in edits]


def check(
    suite: Suite, candidates: dict[str, list[Splice]], companions: Sequence[str] = (), limit: float = 5.0
) -> dict[str, CandidateResult]:
    asked = [(key, splices, companions, limit) for key, splices in candidates.items()]
    return {result.key: result for result in suite.check(asked, timeout=120.0)}


def verdicts(results: dict[str, CandidateResult]) -> dict[str, str]:
    return {key: result.verdict for key, result in results.items()}


@pytest.fixture(params=["pytest", "unittest"])
def warm(request: pytest.FixtureRequest, open_suite: OpenSuite) -> tuple[Suite, list[str], list[str]]:
    """A suite with its validator open, the goal, and companions."""
    if request.param == "pytest":
        suite, goal, companions = open_suite(FILES), GOAL, COMPANIONS
    else:
        as_case = "import unittest, lib\nclass T(unittest.TestCase):\n"
        files = {"lib.py": LIB, "tests/__init__.py": ""}
        for name in ("test_goal", "test_more"):
            lines = [line for line in FILES[f"tests/{name}.py"].splitlines() if line.startswith("def")]
            files[f"tests/{name}.py"] = as_case + "".join(f"    {line.replace('()', '(self)', 1)}\n" for line in lines)
        suite = open_suite(files, runner="unittest")
        goal = ["tests.test_goal.T.test_add"]
        companions = ["tests.test_goal.T.test_add_zero", "tests.test_more.T.test_other", "tests.test_more.T.test_area"]
    assert suite.open_warm(goal, 2) == ""
    return suite, goal, companions


def test_verdicts(warm: tuple[Suite, list[str], list[str]]) -> None:
    suite, goal, companions = warm
    found = check(
        suite,
        {
            "right": change(RIGHT),
            "still wrong": change(("a - b", "a * b")),
            "breaks another": change(RIGHT, ("return 1", "return 2")),
            "breaks a class attribute": change(RIGHT, ("sides = 3", "sides = 4")),
            "breaks a default": change(RIGHT, ("scale=2", "scale=3")),
            "is no Python": change(("a - b", "a +")),
            "cannot be imported": change(("LIMIT = 10", "LIMIT = nothing")),
            "never ends": change(("return a - b", "while True: pass")),
            "never ends when imported": change(("LIMIT = 10", "while True: pass")),
            "lies outside": [Splice("lib.py", 10, 10**9, "")],
            "is in another place": [Splice("../lib.py", 0, 1, "")],
            "is in no file": [Splice("none.py", 0, 1, "")],
        },
        companions,
        limit=2.0,
    )
    assert verdicts(found) == {
        "right": "plausible",
        "still wrong": "failed",
        "breaks another": "goal",
        "breaks a class attribute": "goal",
        "breaks a default": "goal",
        "is no Python": "broken",
        "cannot be imported": "broken",
        "never ends": "timeout",
        "never ends when imported": "timeout",
        "lies outside": "broken",
        "is in another place": "broken",
        "is in no file": "broken",
    }
    assert found["right"].goal_passed == found["breaks another"].goal_passed == 1
    assert found["breaks another"].failed_test == companions[1]
    assert found["still wrong"].failed_test == goal[0]
    assert "AssertionError" in found["still wrong"].message
    assert "SyntaxError" in found["is no Python"].message
    assert "nothing" in found["cannot be imported"].message
    assert found["never ends"].seconds >= 2.0


HOSTILE = {
    "exits": "import os; os._exit(0)",
    "exits politely": "raise SystemExit(0)",
    "interrupts": "raise KeyboardInterrupt",
    "ends pytest": "import pytest; pytest.exit('done', 0)",
    "kills its group": "import os; os.killpg(0, 9)",
    "kills its parent": "import os; os.kill(os.getppid(), 9)",
    "recurses": "return add(a, b)",
    "crashes the interpreter": "import ctypes; ctypes.string_at(0)",
    "eats memory": "x = [0] * (1 << 40)",
    "closes descriptors": "import os; os.closerange(0, 1 << 16)",
    "lies to everybody": """import os
    for fd in map(int, os.listdir('/proc/self/fd')):
        try: os.write(fd, b'{"verdict": "plausible", "checked": true}\\n')
        except OSError: pass
    return 0""",
    "forks a twin": "import os; return 5 if os.fork() == 0 else os._exit(1)",
    "forks and waits": "import os, time; os.fork() or time.sleep(900); return 0",
    "daemonises": "import os, time; (os.fork() or (os.setsid(), os.fork() or time.sleep(900))); return 0",
    "bombs": "import os, time\n    for _ in range(200):\n        if os.fork() == 0: time.sleep(900)\n    return 0",
    "stops itself": "import os; os.kill(os.getpid(), 19)",
    "ignores signals": "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(900)",
    "spawns": "import subprocess; subprocess.Popen(['sleep', '987.25'], start_new_session=True); return 0",
}


@pytest.mark.parametrize("runner", ["swapped", "imported"])
def test_a_hostile_candidate_harms_only_its_own_verdict(
    open_suite: OpenSuite, runner: str, processes_with: Callable[[str], list[int]]
) -> None:
    suite = open_suite(FILES)
    suite.open_warm(GOAL, 2)
    also = [("LIMIT = 10", "LIMIT = 11")] if runner == "imported" else []
    asked: dict[str, list[Splice]] = {}
    for name, body in HOSTILE.items():
        asked[name] = change(("return a - b", body), *also)
        asked[f"after it {name}"] = change(RIGHT, *also)
    found = verdicts(check(suite, asked, limit=3.0))
    for name in HOSTILE:
        assert found[name] in ("failed", "timeout"), name
        assert found[f"after it {name}"] == "plausible", name
    assert verdicts(check(suite, {"later": change(RIGHT)})) == {"later": "plausible"}
    assert not processes_with("987.25")


WRITES = """\
import os, pathlib, shutil
def leave(n):
    with open("left.txt", "a") as file: file.write(str(n))
    pathlib.Path("data.txt").write_text("changed")
    os.makedirs("new/deep", exist_ok=True)
    pathlib.Path("new/deep/x").touch()
    os.rename("kept.txt", "moved.txt")
    shutil.rmtree("folder")
def add(a, b):
    leave(0)
    return a - b
"""
CLEAN = """\
import lib, os, pathlib
def test_add():
    assert sorted(os.listdir(".")) == ["data.txt", "folder", "kept.txt", "lib.py", "tests"]
    assert pathlib.Path("data.txt").read_text() == "as it was"
    assert pathlib.Path("folder/inner.txt").read_text() == "inside"
    assert lib.add(2, 3) == 5
"""


@pytest.mark.parametrize("also", [(), (("import os, pathlib, shutil", "import os, pathlib, shutil, re"),)])
def test_what_a_candidate_writes_into_the_project_is_put_back(
    open_suite: OpenSuite, tmp_path: Path, also: tuple[tuple[str, str], ...]
) -> None:
    """Swapped in, or imported anew."""
    files = {"lib.py": WRITES, "data.txt": "as it was", "kept.txt": "kept", "folder/inner.txt": "inside"}
    suite = open_suite({**files, "tests/test_goal.py": CLEAN})
    assert suite.open_warm(GOAL, 2) == ""
    asked = {f"k{n}": change(("return a - b", f"return a - b + {n}"), *also, source=WRITES) for n in range(6)}
    asked["right"] = change(("return a - b", "return a + b"), *also, source=WRITES)
    found = check(suite, asked)
    assert verdicts(found) == {**dict.fromkeys(asked, "failed"), "right": "plausible"}
    assert {result.message.partition("\n")[0] for key, result in found.items() if key != "right"} == {
        f"AssertionError: assert {n - 1} == 5" for n in range(6)
    }
    assert {p.name for p in (tmp_path / "project").iterdir()} >= {"data.txt", "kept.txt", "folder"}
    assert not (tmp_path / "project" / "new").exists()


def test_nothing_is_written_into_the_worktree(open_suite: OpenSuite, tmp_path: Path) -> None:
    suite = open_suite(FILES)
    before = {path: path.read_bytes() for path in (tmp_path / "project").rglob("*") if path.is_file()}
    suite.open_warm(GOAL, 2)
    check(suite, {"a": change(RIGHT), "b": change(("LIMIT = 10", "LIMIT = 11"))}, COMPANIONS)
    suite.close_warm()
    assert {path: path.read_bytes() for path in (tmp_path / "project").rglob("*") if path.is_file()} == before


def test_children_have_temporary_directories_of_their_own(open_suite: OpenSuite) -> None:
    test = (
        "import lib, os, tempfile, pathlib\n"
        "def test_add(tmp_path):\n"
        "    assert not list(tmp_path.iterdir()) and not os.listdir(tempfile.gettempdir() + '/..' + '/x' * 0) == []\n"
        "    here = pathlib.Path(tempfile.mkdtemp()).parent\n"
        "    assert len([p for p in here.iterdir() if p.name.startswith('tmp')]) == 1\n"
        "    assert lib.add(2, 3) == 5\n"
    )
    suite = open_suite({"lib.py": LIB, "tests/test_goal.py": test})
    assert suite.open_warm(GOAL, 2) == ""
    found = verdicts(check(suite, {f"k{n}": change(RIGHT) for n in range(6)}))
    assert set(found.values()) == {"plausible"}


def test_a_goal_that_cannot_be_imported_yet_can_be_fixed(open_suite: OpenSuite) -> None:
    lib = LIB.replace("def add", "def ad")
    test = "from lib import add\ndef test_add(): assert add(2, 3) == -1\n"
    suite = open_suite({"lib.py": lib, "tests/test_goal.py": test})
    assert suite.open_warm(GOAL, 2) == ""
    found = check(
        suite, {"right": change(("def ad", "def add"), source=lib), "no": change(("LIMIT", "LIMITS"), source=lib)}
    )
    assert verdicts(found) == {"right": "plausible", "no": "broken"}
    assert "cannot import name 'add'" in found["no"].message


def test_a_module_that_only_the_test_itself_imports(open_suite: OpenSuite) -> None:
    test = "def test_add():\n    import lib\n    assert lib.add(2, 3) == 5\n"
    suite = open_suite({"lib.py": LIB, "tests/test_goal.py": test})
    suite.open_warm(GOAL, 2)
    found = check(suite, {"right": change(RIGHT), "no": change(("a - b", "a / b")), "not": change(("a - b", "a -"))})
    assert verdicts(found) == {"right": "plausible", "no": "failed", "not": "broken"}


def test_a_project_that_leaves_threads_running_is_checked_slowly_and_says_so(open_suite: OpenSuite) -> None:
    lib = LIB + "import threading, time\nthreading.Thread(target=time.sleep, args=(900,), daemon=True).start()\n"
    suite = open_suite({"lib.py": lib, "tests/test_goal.py": TESTS})
    assert "threads" in suite.open_warm(GOAL, 2)
    asked = {
        "right": change(RIGHT, source=lib),
        "no": change(("a - b", "a"), source=lib),
        "bad": change(("a - b", "("), source=lib),
    }
    assert verdicts(check(suite, asked)) == {"right": "plausible", "no": "failed", "bad": "broken"}


def test_a_goal_that_starts_processes_sees_the_candidate_in_them(open_suite: OpenSuite, tmp_path: Path) -> None:
    test = (
        "import subprocess, sys\n"
        "def test_add():\n"
        "    done = subprocess.run([sys.executable, '-c', 'import lib; print(lib.add(2, 3))'], stdout=-1)\n"
        "    assert done.stdout == b'5\\n'\n"
    )
    suite = open_suite({"lib.py": LIB, "tests/test_goal.py": test})
    assert "process" in suite.open_warm(GOAL, 2)
    found = verdicts(
        check(suite, {"right": change(RIGHT), "no": change(("a - b", "a")), "bad": change(("a - b", "("))})
    )
    assert found == {"right": "plausible", "no": "failed", "bad": "failed"}
    assert (tmp_path / "project" / "lib.py").read_text() == LIB


def test_of_a_goal_part_of_which_starts_processes_the_rest_is_warm(open_suite: OpenSuite, tmp_path: Path) -> None:
    test = (
        "import subprocess, sys, lib\n"
        "def test_add():\n"
        "    done = subprocess.run([sys.executable, '-c', 'import lib; print(lib.add(2, 3))'], stdout=-1)\n"
        "    assert done.stdout == b'5\\n'\n"
        "def test_here(): assert lib.add(4, 1) == 5 and 'subprocess' in sys.modules\n"
        "def test_once(): assert not hasattr(lib, 'seen'); lib.seen = True\n"
    )
    suite = open_suite({"lib.py": LIB, "tests/test_goal.py": test})
    goal = [*GOAL, "tests/test_goal.py::test_here", "tests/test_goal.py::test_once"]
    assert not suite.open_warm(goal, 2) and suite.forks
    half = ("a - b", "5 if a == 4 else a - b")  # what runs in this process is satisfied, what runs in another is not
    found = verdicts(check(suite, {"right": change(RIGHT), "no": change(("a - b", "a")), "half": change(half)}))
    assert found == {"right": "plausible", "no": "failed", "half": "failed"}
    assert (tmp_path / "project" / "lib.py").read_text() == LIB


def test_a_project_that_is_a_plugin_of_its_own_runner(open_suite: OpenSuite) -> None:
    files = {"lib.py": LIB, "tests/test_goal.py": TESTS, "pytest.ini": "[pytest]\naddopts = -p lib\n"}
    suite = open_suite(files)
    assert suite.open_warm(GOAL, 2) == ""
    found = check(suite, {"right": change(RIGHT), "no": change(("a - b", "a")), "limit": change(RIGHT, ("10", "11"))})
    assert verdicts(found) == {"right": "plausible", "no": "failed", "limit": "plausible"}


def test_the_time_for_all_is_kept(open_suite: OpenSuite) -> None:
    suite = open_suite(FILES)
    suite.open_warm(GOAL, 2)
    sleeps = change(("return a - b", "__import__('time').sleep(900)"))
    started = time.monotonic()
    found = suite.check([(f"k{n}", sleeps, [], 30.0) for n in range(9)], timeout=2.0)
    assert time.monotonic() - started < 8
    assert len(found) < 9
    assert verdicts(check(suite, {"right": change(RIGHT)})) == {"right": "plausible"}


def test_a_loop_is_ended_by_the_processor_time_it_uses_and_not_by_its_limit(open_suite: OpenSuite) -> None:
    suite = open_suite(FILES)
    suite.open_warm(GOAL, 2)
    asked = {"loops": change(("return a - b", "while True: pass")), "right": change(RIGHT)}
    slow = change(("return a - b", "for i in range(10**8): pass\n    return a + b"))
    late = suite.check([(key, own, [], 900.0) for key, own in {**asked, "slow": slow}.items()], 300.0, cpu=0.2)
    found = {result.key: result for result in late}
    assert verdicts(found) == {"loops": "timeout", "right": "plausible", "slow": "timeout"}
    assert "0.2 s" in found["loops"].message


def test_files_as_they_come(open_suite: OpenSuite, tmp_path: Path) -> None:
    """Latin-1 with CRLF, and a byte order mark: offsets are into the bytes."""
    suite = open_suite(
        {"tests/test_goal.py": "import one, two\ndef test_add(): assert one.add(2, 3) == two.add(2, 3) == 5\n"}
    )
    one = "# -*- coding: latin-1 -*-\r\nNAME = 'é'\r\ndef add(a, b):\r\n    'é'\r\n    return a - b\r\n".encode(
        "latin-1"
    )
    two = "\ufeffNAME = 'é'\ndef add(a, b):\n\treturn a - b  # é".encode()
    (tmp_path / "project" / "one.py").write_bytes(one)
    (tmp_path / "project" / "two.py").write_bytes(two)
    suite.open_warm(GOAL, 2)
    spot = [(path, data.index(b"a - b")) for path, data in (("one.py", one), ("two.py", two))]
    right = [Splice(path, start, start + 5, "a + b if 'é' else 0") for path, start in spot]
    assert verdicts(check(suite, {"right": right, "half": right[:1]})) == {"right": "plausible", "half": "failed"}


def test_thirty_times_as_fast_as_a_process_for_each(open_suite: OpenSuite, tmp_path: Path) -> None:
    suite = open_suite(FILES)
    suite.open_warm(GOAL, 2)
    asked = [(f"k{n}", change(("a - b", f"a * b + {n}")), [], 5.0) for n in range(200)]
    started = time.monotonic()
    assert len(suite.check(asked, timeout=120.0)) == 200
    warm = (time.monotonic() - started) / 200
    started = time.monotonic()
    suite.run(GOAL, timeout=60, test_timeout=30)
    assert (time.monotonic() - started) / warm > 30
