"""`python -m scripts.bench_repair`: plant bugs, have them fixed, print the figures. See docs/repair-bench.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from scripts.bench_repair.attempt import attempt, bugs_in_turns, commit_of_coder, read_rows, write_row
from scripts.bench_repair.libraries import CACHE, by_name, set_up, unpack
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
    rows = read_rows(out)
    done = {row.bug for row in rows}
    drawn = [each for each in libraries if (options.planted / f"{each.name}.json").exists()]
    if without := [each.name for each in libraries if each not in drawn]:
        print(f"no bugs drawn yet (--plant draws them): {', '.join(without)}", file=sys.stderr)
    bugs = {each.name: load(options.planted / f"{each.name}.json") for each in drawn}
    todo = [pair for pair in bugs_in_turns(bugs) if pair[1].name not in done]
    known = {library.name: library for library in libraries}
    commit = commit_of_coder()
    for name, bug in todo[: options.limit]:
        row = attempt(known[name], bug, options.seed, commit)
        rows.append(row)
        write_row(out, row)
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


if __name__ == "__main__":
    main()
