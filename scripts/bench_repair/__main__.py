"""`python -m scripts.bench_repair`: plant bugs, have them fixed, print the figures. See docs/repair-bench.md."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from scripts.bench_repair.attempt import Row, attempt, bugs_in_turns
from scripts.bench_repair.libraries import CACHE, ROOT, by_name, set_up, unpack
from scripts.bench_repair.plant import PLANTED, choose, load, save
from scripts.bench_repair.report import lines, missed

SEED = 20261124
WANTED = 15


def main() -> None:
    """Parse the command line and do as it says."""
    options = _options()
    libraries = by_name(options.libraries.split(",") if options.libraries else [])
    set_up()
    if options.plant:
        for library in libraries:
            with tempfile.TemporaryDirectory() as place:
                bugs = choose(library, unpack(library, Path(place) / library.name), options.seed, options.wanted)
            save(options.planted / f"{library.name}.json", options.seed, bugs)
        return
    out: Path = options.out
    if options.fresh:
        out.unlink(missing_ok=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    rows = [Row(**json.loads(line)) for line in out.read_text().splitlines()] if out.exists() else []
    done = {row.bug for row in rows}
    drawn = [each for each in libraries if (options.planted / f"{each.name}.json").exists()]
    if without := [each.name for each in libraries if each not in drawn]:
        print(f"no bugs drawn yet (--plant draws them): {', '.join(without)}", file=sys.stderr)
    bugs = {each.name: load(options.planted / f"{each.name}.json") for each in drawn}
    todo = [pair for pair in bugs_in_turns(bugs) if pair[1].name not in done]
    known = {library.name: library for library in libraries}
    commit = _commit()
    for name, bug in todo[: options.limit]:
        row = attempt(known[name], bug, options.seed, commit)
        rows.append(row)
        with out.open("a") as stream:
            stream.write(json.dumps(asdict(row)) + "\n")
        said = "the original" if row.same else row.status
        print(f"{bug.name}: {said}, {row.seconds:.1f} s, place {row.place}", file=sys.stderr, flush=True)
    shown = [row for row in rows if row.library in known]
    print("\n".join([*lines(shown), *missed(shown)] if options.missed else lines(shown)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench_repair", description=__doc__)
    parser.add_argument("--libraries", default="", help="names, with commas between; all if not given")
    parser.add_argument("--limit", type=int, default=None, help="attempts made in this call; the next goes on")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=CACHE / "results.jsonl", help="a JSON line for each bug tried")
    parser.add_argument("--fresh", action="store_true", help="forget what --out holds")
    parser.add_argument("--missed", action="store_true", help="list what is not the original again")
    parser.add_argument("--plant", action="store_true", help="draw the bugs anew instead of having them fixed")
    parser.add_argument("--planted", type=Path, default=PLANTED, help="where the lists of bugs are")
    parser.add_argument("--wanted", type=int, default=WANTED, help="bugs drawn for each library")
    return parser.parse_args()


def _commit() -> str:
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
