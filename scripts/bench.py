"""Prints coder's speeds as ratios against a named alternative, each pair measured in this one run.

`make bench` runs it. Every figure in the README and the docs comes from here. Medians of
several runs where a run is short; no assertion.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
TARGET = ROOT / ".venv-target" / "bin" / "python"
CODER = ROOT / ".venv" / "bin" / "coder"
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import bench_sandbox  # noqa: E402
import plant  # noqa: E402  (the bugs of the end-to-end tests)

SDISTS = ROOT / ".cache" / "sdist"  # where those tests keep the library's source distribution
Row = tuple[str, str, str, str]
IMPOSSIBLE = """

def test_impossible():
    assert list(mi.chunked([1, 2, 3], 2)) == [[1, 2], [3]]
    assert list(mi.windowed([1, 2, 3], 2)) == [(1, 2), (2, 3)]
    assert mi.exactly_n([1, 0], 1) and not mi.exactly_n([1, 0], 1)
"""


def seconds(command: Sequence[str], runs: int = 5, cwd: Path = ROOT, ok: Sequence[int] = (0,)) -> float:
    """The median wall time of a command over several runs, after one that is not counted."""
    taken = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        ended = subprocess.run(command, cwd=cwd, capture_output=True, env=environment(), check=False)
        taken.append(time.perf_counter() - started)
        if ended.returncode not in ok:
            raise SystemExit(f"{command} ended with {ended.returncode}:\n{ended.stderr.decode()[-2000:]}")
    return statistics.median(taken[1:])


def environment() -> dict[str, str]:
    """The environment with the targets' virtual environment active: it has pytest and nothing else."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CODER_", "PYTHON"))}
    path = f"{TARGET.parent}{os.pathsep}{kept.get('PATH', '')}"
    return kept | {"VIRTUAL_ENV": str(TARGET.parent.parent), "PATH": path}


def help_against_pass() -> Row:
    """The start of the program against the start of the interpreter."""
    bare = seconds([str(PYTHON), "-c", "pass"], runs=15)
    ours = seconds([str(CODER), "--help"], runs=15)
    return "coder --help / python -c pass", f"{ours / bare:.1f} x", "at most 10 x, 120 ms", f"{ours * 1000:.0f} ms"


def fix(repo: Path, home: Path, *more: str) -> dict[str, Any]:
    """One whole `coder fix` as a user runs it, and its JSON result."""
    command = [str(CODER), "fix", *more, "--repo", str(repo), "--model", "none", "--json", "--no-apply"]
    ended = subprocess.run(
        command, capture_output=True, text=True, env=environment() | {"CODER_HOME": str(home)}, check=False
    )
    if not ended.stdout:
        raise SystemExit(ended.stderr[-2000:])
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


def whole_fix(repo: Path, home: Path) -> list[Row]:
    """A planted bug fixed and verified, against one plain run of the suite."""
    suite = seconds([str(TARGET), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"], 1, repo, ok=(1,))
    started = time.perf_counter()
    result = fix(repo, home)
    taken = time.perf_counter() - started
    if result["status"] != "fixed":
        raise SystemExit(f"not fixed: {result['reason']}")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [
        ("whole fix / one run of the suite", f"{taken / suite:.1f} x", f"at most 8 x + 8 s = {8 * suite + 8:.0f} s",
         f"{taken:.1f} s against {suite:.1f} s"),
        ("peak memory of the largest process", f"{memory:.0f} MB", "at most 300 MB", ""),
    ]  # fmt: skip


def candidates(repo: Path, home: Path) -> Row:
    """Candidates checked in a search that finds nothing, against one pytest process that runs the same goal."""
    with (repo / "tests" / "test_more.py").open("a") as file:
        file.write(IMPOSSIBLE)
    goal = "tests/test_more.py::test_impossible"
    command = " ".join([str(TARGET), *plant.QUICK])
    result = fix(repo, home, f"failing test {goal}", f"--test-cmd={command}", "--time=60s")
    events = [json.loads(line) for line in (Path(result["run_dir"]) / "events.jsonl").read_text().splitlines()]
    batches = [e["data"] for e in events if (e["node"], e["kind"]) == ("test", "candidates")]
    checked = sum(batch["checked"] for batch in batches)
    rate = checked / sum(batch["checked"] / batch["per_second"] for batch in batches)
    one = seconds([str(TARGET), "-m", "pytest", "-q", "-p", "no:cacheprovider", goal], 5, repo, ok=(1,))
    return ("candidates a second / one python -m pytest process a candidate", f"{rate * one:.0f} x", "at least 30 x",
            f"{rate:.0f} a second ({checked} of them) against {1 / one:.1f}")  # fmt: skip


def library(place: Path) -> Path:
    """more-itertools as released, tests included, with the first of the planted bugs in it."""
    if not list(SDISTS.glob("more_itertools-*.tar.gz")):
        pip = [str(PYTHON), "-I", "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        lock = ROOT / "tests" / "e2e" / "more-itertools.txt"
        subprocess.run([*pip, "--require-hashes", "--dest", str(SDISTS), "-r", str(lock)], check=True)
    (archive,) = SDISTS.glob("more_itertools-*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(place, filter="data")
    (repository,) = place.iterdir()
    plant.load()[0].plant(repository)
    return repository


def main() -> None:
    """Measure and print."""
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}")
    show([help_against_pass()])
    work = Path(tempfile.mkdtemp(prefix="coder-bench-"))
    try:
        repo = library(work / "repo")
        show(whole_fix(repo, work / "home"))
        show([candidates(repo, work / "home")])
        for row in bench_sandbox.rows():
            show([row])
    finally:
        shutil.rmtree(work, ignore_errors=True)


def show(rows: Sequence[Row]) -> None:
    """Print figures as soon as they are there: the whole takes minutes on a busy machine."""
    for what, figure, bar, detail in rows:
        print(f"{what:64} {figure:>10}   {bar:28} {detail}", flush=True)


if __name__ == "__main__":
    main()
