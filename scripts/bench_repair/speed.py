"""Candidates a second on one module and one core: coder's warm validator, one pytest process each, and mutmut 3."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from coder.record.events import read_events
from scripts.bench_repair.attempt import fix
from scripts.bench_repair.libraries import ROOT, python, set_up

PROGRAM = ROOT / "eval_repos" / "algorithms" / "pocket_calculator"
CONTRADICTION = """

def test_no_program_passes_this():
    assert calculate("2 * 3") == 7


def test_nor_both():
    assert calculate("2 * 3") == 6
"""
SECONDS = 60
PROCESSES = 10


def main() -> None:
    """Measure and print."""
    set_up()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # and so for all that is started here
    with tempfile.TemporaryDirectory(prefix="coder-speed-") as place:
        work = Path(place).resolve()
        program = work / "program"
        program.mkdir()
        _fixed_program(program)
        mutants, took = _mutmut(program, work / "mutmut")
        single = _process(program)
        test = next(program.glob("test_*.py"))
        test.write_text(test.read_text() + CONTRADICTION)
        checked, spent = _coder(program, work / "home")
    ours, theirs = checked / spent, mutants / took
    print(f"{PROGRAM.name}, all three on one core in one run")
    for name, rate, done in (
        ("coder", ours, f"{checked} in {spent:.1f} s"),
        ("pytest process", 1 / single, f"coder is {ours * single:.0f} times as fast"),
        ("mutmut 3", theirs, f"{mutants} in {took:.1f} s, coder is {ours / theirs:.1f} times as fast"),
    ):
        print(f"{name:15}{rate:8.1f} a second ({done})")


def _fixed_program(to: Path) -> None:
    """The program with its defect taken back: mutmut starts from tests that pass."""
    from coder.evaluate.dataset import apply_patch

    for file in PROGRAM.glob("*.py"):
        shutil.copy(file, to)
    apply_patch(to, (PROGRAM / "reference.patch").read_text())


def _process(program: Path) -> float:
    """Seconds of one `python -m pytest` process, the median of several."""
    taken = []
    for _ in range(PROCESSES):
        started = time.monotonic()
        argv = [str(python()), "-B", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        subprocess.run(argv, cwd=program, capture_output=True, check=True)
        taken.append(time.monotonic() - started)
    return sorted(taken)[PROCESSES // 2]


def _mutmut(program: Path, place: Path) -> tuple[int, float]:
    """How many mutants mutmut checked and the seconds it took to check them: what it needs to make them left out."""
    shutil.copytree(program, place)
    module = next(path for path in place.glob("*.py") if not path.name.startswith("test_"))
    settings = f"[mutmut]\npaths_to_mutate={module.name}\ntests_dir=.\nalso_copy=\n    test_{module.name}\n"
    (place / "setup.cfg").write_text(settings)
    done = subprocess.run([str(python()), "-m", "mutmut", "run"], cwd=place, capture_output=True, text=True)
    checked = re.findall(r"(\d+)/(\d+)", done.stdout)
    rate = re.findall(r"([\d.]+) mutations/second", done.stdout)
    if not checked or not rate:
        raise SystemExit(f"mutmut did not run:\n{(done.stdout + done.stderr)[-2000:]}")
    mutants = int(checked[-1][1])
    return mutants, mutants / float(rate[-1])


def _coder(program: Path, home: Path) -> tuple[int, float]:
    """Candidates checked by a search that cannot succeed, and the seconds of its batches."""
    result = fix(program, home, f"--time={SECONDS}s", "--test=test_no_program_passes_this")
    events = read_events(Path(result["run_dir"]) / "events.jsonl")
    batches = [event.data for event in events if (event.node, event.kind) == ("test", "candidates")]
    batches = [batch for batch in batches if batch["per_second"]]
    return sum(b["checked"] for b in batches), sum(b["checked"] / b["per_second"] for b in batches)


if __name__ == "__main__":
    sys.exit(main())
