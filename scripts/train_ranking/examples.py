"""One planted bug as an example: the features of the edit that takes it back, and of others that do not."""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coder.repair.localize import localize
from coder.repair.propose import score_all
from coder.repair.rank import Scored
from scripts.bench_repair.libraries import Library
from scripts.bench_repair.plant import Bug, Reach
from scripts.bench_repair.rules import Function, Text
from scripts.bench_repair.same import same_program
from scripts.bench_repair.traced import Traced, traced

EDITS = 6_000  # looked at for one bug
BEST, OTHERS = 150, 100  # wrong edits kept: those scored best, and some of the rest


@dataclass(frozen=True)
class Example:
    """(kind, features) of edits; the first `right` ones restore the original. `place`: of the best one, from 1.

    `counts`: how many edits each stands for. Of those that the numbers of today put far behind only some are kept, and
    other numbers would put more of them in front than are here.
    """

    bug: str
    right: int
    edits: Sequence[tuple[str, dict[str, float]]]
    counts: Sequence[float]
    place: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def example(library: Library, repository: Path, bug: Bug, reach: Reach) -> Example | None:
    """Plant the bug, run the tests that reach it and some beside them, and score.

    None if no test notices, or no edit is the way back.
    """
    with traced(library, repository, bug, reach) as run:
        return _scored(run, bug) if run else None


def _scored(run: Traced, bug: Bug) -> Example | None:
    failing = run.failing
    suspects = localize(run.results, [result.id for result in failing], run.is_source, run.read)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of compiling `x is 1` and the like
        ranker, scored = score_all(run.read, suspects, failing, limit=EDITS)
        scored.sort(key=lambda entry: (-entry.score, entry.edit.start, entry.edit.text))
        right = set(ways_back(scored, bug, run.original))
    if not right:
        return None
    wrong = [place for place in range(len(scored)) if place not in right]
    chance = random.Random(bug.name)
    best, rest = wrong[:BEST], wrong[BEST:]
    others = chance.sample(rest, min(OTHERS, len(rest)))
    chosen = [scored[place] for place in (*sorted(right), *best, *others)]
    counts = [1.0] * (len(right) + len(best)) + [len(rest) / max(1, len(others))] * len(others)
    edits = [(each.edit.kind, ranker.features(each.edit, each.site, each.suspicion)) for each in chosen]
    return Example(bug.name, len(right), edits, counts, place=min(right) + 1)


def ways_back(scored: Sequence[Scored], bug: Bug, original: bytes) -> Iterator[int]:
    """The places of the edits that make the function with the bug the original program again.

    Of the file nothing else is compiled: thousands of edits are asked.
    """
    start, end = _around(original, bug.start)
    grown = len(bug.planted(original)) - len(original)
    frame = "" if original[:start].endswith(b"\n") or not start else "if 1:\n" + _indent(original, start)
    wanted = frame + original[start:end].decode()
    for place, entry in enumerate(scored):
        module, edit = entry.site.module, entry.edit
        first, last = module.byte_offset(edit.start), module.byte_offset(edit.end)
        if module.path != bug.path or first < start or last > end + grown:
            continue
        text = module.raw[start:first] + edit.text.encode() + module.raw[last : end + grown]
        try:
            if same_program(wanted, frame + text.decode()):
                yield place
        except SyntaxError:
            continue


def _around(content: bytes, place: int) -> tuple[int, int]:
    """The bytes of the outermost function around a place."""
    text = Text(content)
    functions = (node for node in ast.walk(ast.parse(content)) if isinstance(node, Function))
    return next((start, end) for start, end in map(text.span, functions) if start <= place < end)


def _indent(content: bytes, place: int) -> str:
    return content[content.rfind(b"\n", 0, place) + 1 : place].decode()
