"""What size costs: memory with a suite of 20,000 tests, and the start on a repository of 5,000 files."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from coder.record.events import read_events
from scripts.bench_repair.attempt import fix
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
        many_tests(work / "tests")
        many_files(work / "files")


def many_tests(root: Path) -> None:
    """A fix in a suite of 20,000 tests, and the most memory that the processes of the run had together."""
    lay_out(root, *MANY_TESTS)
    with peak() as seen:
        result = fix(root, root.with_name("home"), "--time=15m")
    total, took = MANY_TESTS[0] * MANY_TESTS[1], result["seconds"]["total"]
    print(f"{total:,} tests: {result['status']} in {took:.0f} s; coder itself at most {seen[0]:.0f} MB,", end=" ")
    print(f"with all in its sandbox at most {seen[1]:.0f} MB (bar: 500 MB)")


def many_files(root: Path) -> None:
    """From the start of `coder fix` until the tests are known, against pytest's own collection of them."""
    lay_out(root, *MANY_FILES)
    began = time.monotonic()
    argv = [str(python()), "-B", "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"]
    subprocess.run(argv, cwd=root, capture_output=True, check=True)
    collection = time.monotonic() - began
    began_at = datetime.now().timestamp()
    result = fix(root, root.with_name("home"), "--time=3m")
    events = read_events(Path(result["run_dir"]) / "events.jsonl")
    collected = next(event for event in events if (event.node, event.kind) == ("baseline", "collected"))
    known = datetime.fromisoformat(collected.at).timestamp() - began_at
    print(f"{2 * MANY_FILES[0]:,} files: the tests are known after {known:.1f} s,", end=" ")
    print(f"{known - collection:.1f} s of it before or beside the collection,", end=" ")
    print(f"which alone takes {collection:.1f} s (bar: no more than that)")


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
    """All processes below this one, the nearest first; none if it has ended."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found + [below for child in list(found) for below in descendants(child)]


def megabytes(pid: int) -> float:
    """Its proportional share of the memory; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    sys.exit(main())
