"""`python -m scripts.bench_repair.suspects`: where the planted bugs' lines stand among the suspects, with and without
the slice and predicate switching. Nothing is repaired."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from unittest.mock import patch

from coder.nodes.switch import PROBES
from coder.repair.contract import Suspect
from coder.repair.localize import localize
from coder.repair.switch import conditions, probes
from scripts.bench_repair.attempt import lines_of
from scripts.bench_repair.libraries import by_name, set_up, unpack
from scripts.bench_repair.plant import PLANTED, Bug, Reach, load
from scripts.bench_repair.traced import Traced, traced

WITHIN = (1, 5, 10)


def main() -> None:
    """Parse the command line and do as it says."""
    parser = argparse.ArgumentParser(prog="suspects", description=__doc__)
    parser.add_argument("--libraries", default="", help="names, with commas between; all if not given")
    parser.add_argument("--limit", type=int, default=None, help="bugs of each library")
    options = parser.parse_args()
    set_up()
    found: defaultdict[str, list[int]] = defaultdict(list)
    for library in by_name(options.libraries.split(",") if options.libraries else []):
        with tempfile.TemporaryDirectory() as place:
            repository = unpack(library, Path(place).resolve() / library.name)
            reach = Reach(library, repository)
            for bug in load(PLANTED / f"{library.name}.json")[: options.limit]:
                with traced(library, repository, bug, reach) as run:
                    for name, number in (_places(run, bug) if run else {}).items():
                        found[name].append(number)
                        print(f"{bug.name}: place {number} {name}", file=sys.stderr, flush=True)
    for name, places in found.items():
        shares = " ".join(f"{sum(0 < n <= top for n in places) / len(places):.0%}" for top in WITHIN)
        print(f"{len(places)} bugs, among the first {WITHIN}: {shares} {name}")


def _places(run: Traced, bug: Bug) -> dict[str, int]:
    """The place of the bug's line, from 1 (0: not among them), by what localization may use."""
    goal = [result.id for result in run.failing]
    lines = lines_of(bug, run.read(bug.path).decode())

    def ranked(switched: frozenset[tuple[str, int]] = frozenset()) -> list[Suspect]:
        return localize(run.results, goal, run.is_source, run.read, switched=switched)

    def place(suspects: list[Suspect]) -> int:
        return next((n for n, s in enumerate(suspects, 1) if s.path == bug.path and s.line in lines), 0)

    with patch("coder.repair.localize.SLICED", 0.0):
        plain = ranked()
        switched = _switched(run, plain, goal)
        found = {"without both": place(plain), "with predicate switching": place(ranked(switched))}
    return found | {"with the slice": place(ranked()), "with both": place(ranked(switched))}


def _switched(run: Traced, suspects: list[Suspect], goal: list[str]) -> frozenset[tuple[str, int]]:
    asked = probes(run.read, suspects, PROBES)
    run.suite.open_warm(goal[:1], 2)
    answers = run.suite.check([(probe.key, [probe.splice], (), 10.0) for probe in asked], timeout=30.0, cpu=5.0)
    run.suite.close_warm()
    return frozenset(conditions(asked, answers))


if __name__ == "__main__":
    main()
