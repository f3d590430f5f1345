"""`make train-ranking`: gather examples (it goes on where it was cut off), fit, and write coder/repair/ranking.json."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import geometric_mean, median

from coder.repair.rank import RANKING, Weights
from scripts.bench_repair.libraries import CACHE, LIBRARIES, set_up, unpack
from scripts.bench_repair.plant import drawn
from scripts.train_ranking.examples import Example, example
from scripts.train_ranking.fit import fit, places

SEED = 71
START = Path(__file__).with_name("start.json")  # the numbers set by hand, which the fit starts from
EXAMPLES = CACHE / "examples"


def main() -> None:
    """Parse the command line and do as it says."""
    parser = argparse.ArgumentParser(prog="train_ranking", description=__doc__)
    parser.add_argument("--tries", type=int, default=60, help="bugs tried in each library")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument(
        "--libraries", default="", help="names, with commas between; all that may be trained on if not given"
    )
    parser.add_argument("--gather", action="store_true", help="gather examples only")
    options = parser.parse_args()
    set_up()
    wanted = options.libraries.split(",") if options.libraries else []
    trained = [each for each in LIBRARIES if not each.held_out and (not wanted or each.name in wanted)]
    for library in trained:
        file = EXAMPLES / f"{library.name}-{options.seed}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        done = file.read_text().count("\n") if file.exists() else 0
        if done >= options.tries:
            continue
        with tempfile.TemporaryDirectory() as place, file.open("a") as stream:
            repository = unpack(library, Path(place).resolve() / library.name)
            for number, bug in enumerate(drawn(library, repository, options.seed)):
                if number < done:
                    continue
                if number == options.tries:
                    break
                found = example(repository, bug)
                stream.write(json.dumps(found.to_json() if found else None) + "\n")
                stream.flush()
                print(f"{bug.name}: {f'place {found.place}' if found else 'no example'}", file=sys.stderr, flush=True)
    if not options.gather:
        train([EXAMPLES / f"{library.name}-{options.seed}.jsonl" for library in trained])


def train(files: list[Path]) -> None:
    """Say what a fit on the others gives each library, and write a fit on all if that is better than the numbers set
    by hand: by the geometric mean of the places, as a place counts for what it is a multiple of."""
    sets = {file.stem: _read(file) for file in files}
    start = Weights.load(START)
    before: list[float] = []
    after: list[float] = []
    for name, kept in sets.items():
        others = [each for other, found in sets.items() if other != name for each in found]
        if kept and others:
            now, then = places(kept, start), places(kept, fit(others, start))
            print(f"{name}: {len(kept)} examples, by hand {_words(now)}; fitted on the other libraries {_words(then)}")
            before, after = [*before, *now], [*after, *then]
    if not after or geometric_mean(after) >= geometric_mean(before):
        print("a fit does no better on libraries it has not seen than the numbers set by hand: nothing is written")
        return
    everything = [each for found in sets.values() for each in found]
    learned = fit(everything, start)
    data = {"features": dict(learned.features), "kinds": dict(learned.kinds), "rest": learned.rest}
    RANKING.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
    print(f"{RANKING.name}: fitted on {len(everything)} examples")


def _words(found: list[float]) -> str:
    first = sum(place == 1 for place in found)
    return f"{first} first, median place {median(found):.0f}, geometric mean {geometric_mean(found):.0f}"


def _read(file: Path) -> list[Example]:
    entries = (json.loads(line) for line in file.read_text().splitlines())
    return [Example(**entry) for entry in entries if entry]


if __name__ == "__main__":
    main()
