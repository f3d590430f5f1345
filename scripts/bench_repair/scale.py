"""What size costs: memory with a suite of 20,000 tests, and the start on a repository of 5,000 files."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from scripts.bench_repair.attempt import CODER
from scripts.bench_repair.libraries import make_repository, python, set_up

MANY_TESTS = (200, 100)  # files, and tests in each
MANY_FILES = (2_500, 1)  # files of tests, each beside a module
TICK = 0.5  # seconds between two looks at the memory
MODULE = "def scaled(x):\n    return x * {number}\n"
TEST = "def test_{each}():\n    assert scaled({each}) == {number} * {each}\n"


def main() -> None:
    """Measure and print."""
    set_up()
    with tempfile.TemporaryDirectory(prefix="coder-scale-") as place:
        work = Path(place).resolve()
        os.environ["CODER_HOME"] = str(work / "home")
        many_tests(work / "tests")
        many_files(work / "files")


def many_tests(root: Path) -> None:
    """A fix in a suite of 20,000 tests, and the most memory that the processes of the run had together."""
    lay_out(root, *MANY_TESTS)
    with peak() as seen:
        result = fix(root, "--time=15m")
    total = MANY_TESTS[0] * MANY_TESTS[1]
    print(
        f"{total:,} tests: {result['status']} in {result['seconds']:.0f} s; coder itself at most {seen[0]:.0f} MB,",
        end=" ",
    )
    print(f"with all in its sandbox at most {seen[1]:.0f} MB (bar: 500 MB)")


def many_files(root: Path) -> None:
    """From the start of `coder fix` until the tests are known, against pytest's own collection of them."""
    lay_out(root, *MANY_FILES)
    began = time.monotonic()
    argv = [str(python()), "-B", "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"]
    subprocess.run(argv, cwd=root, capture_output=True, check=True)
    collection = time.monotonic() - began
    began_at = datetime.now().timestamp()
    result = fix(root, "--time=3m")
    for line in (Path(result["run_dir"]) / "events.jsonl").read_text().splitlines():
        event = json.loads(line)
        if (event["node"], event["kind"]) == ("baseline", "collected"):
            known = datetime.fromisoformat(event["at"]).timestamp() - began_at
            files = 2 * MANY_FILES[0]
            print(
                f"{files:,} files: the tests are known after {known:.1f} s, {known - collection:.1f} s of it before",
                end=" ",
            )
            print(f"or beside the collection, which alone takes {collection:.1f} s (bar: no more than that)")


def lay_out(root: Path, files: int, each: int) -> None:
    """A committed repository of modules with a file of tests each; one module has a bug."""
    for number in range(files):
        module, tests = root / "src" / f"m{number}.py", root / "tests" / f"test_m{number}.py"
        for file in (module, tests):
            file.parent.mkdir(parents=True, exist_ok=True)
        module.write_text(MODULE.format(number=number))
        body = "".join(TEST.format(each=n, number=number) for n in range(each))
        tests.write_text(f"from m{number} import scaled\n\n\n{body}")
    bug = root / "src" / "m7.py"
    bug.write_text(bug.read_text().replace("*", "+"))
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\npythonpath = ["src"]\n')
    make_repository(root)


def fix(root: Path, *more: str) -> dict[str, Any]:
    """One run without a model, and its JSON result."""
    command = f"--test-cmd={shlex.join([str(python()), '-m', 'pytest'])}"
    argv = [*CODER, "fix", f"--repo={root}", "--json", "--no-apply", "--model=none", command, *more]
    began = time.monotonic()
    done = subprocess.run(argv, cwd=root.parent, capture_output=True, text=True)
    try:
        result: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"coder gave no result:\n{done.stderr[-2000:]}") from None
    return result | {"seconds": time.monotonic() - began}


@contextmanager
def peak() -> Iterator[list[float]]:
    """The most megabytes seen meanwhile: of the largest of this process's children, and of all descendants together.
    What processes share is counted once (PSS)."""
    seen, stop = [0.0, 0.0], threading.Event()

    def look() -> None:
        while not stop.wait(TICK):
            sizes = [megabytes(pid) for pid in descendants(os.getpid())]
            if sizes:
                seen[:] = [max(seen[0], sizes[0]), max(seen[1], sum(sizes))]

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield seen
    finally:
        stop.set()
        looker.join()


def descendants(pid: int) -> list[int]:
    """All processes below this one, the nearest first."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found + [below for child in list(found) for below in _descendants(child)]


def _descendants(pid: int) -> list[int]:
    with suppress(OSError):
        return descendants(pid)
    return []


def megabytes(pid: int) -> float:
    """Its proportional share of the memory; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
