"""One planted bug as an example: the features of the edit that takes it back, and of others that do not."""

from __future__ import annotations

import ast
import random
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coder.repair.contract import Suspect
from coder.repair.propose import score_all
from coder.repair.rank import Scored
from scripts.bench_repair.plant import Bug
from scripts.bench_repair.rules import Function, Text
from scripts.bench_repair.same import same_program

EDITS = 3_000  # looked at for one bug
SUSPICION = 0.8  # of every statement of the function alike: what tells them apart is not learned here
WORD = re.compile(r"\w+")
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


def example(repository: Path, bug: Bug) -> Example | None:
    """Plant the bug in memory, suspect every statement of its function alike, and score. No test is run.

    None if no edit is the way back.
    """
    original = (repository / bug.path).read_bytes()
    planted = bug.planted(original)
    suspects = [Suspect(bug.path, line, SUSPICION) for line in _statements(planted, bug)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of compiling `x is 1` and the like
        ranker, scored = score_all(lambda path: planted, suspects, [], limit=EDITS)
        scored.sort(key=lambda entry: (-entry.score, entry.edit.start, entry.edit.text))
        right = set(ways_back(scored, bug, original))
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


def _statements(planted: bytes, bug: Bug) -> list[int]:
    """The lines on which the statements of the innermost function around the bug begin. Of a lost last statement that
    is the function that ends before it."""
    functions = [node for node in ast.walk(ast.parse(planted)) if isinstance(node, Function)]
    first = {node: min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) for node in functions}
    around = [node for node in functions if first[node] <= bug.line <= (node.end_lineno or 0) + 1]
    inner = sorted(around, key=lambda node: node.lineno)[-1:]
    return sorted({node.lineno for function in inner for node in ast.walk(function) if isinstance(node, ast.stmt)})


def ways_back(scored: Sequence[Scored], bug: Bug, original: bytes) -> Iterator[int]:
    """The places of the edits that make the function with the bug the original program again.

    Of the file nothing else is compiled: thousands of edits are asked.
    """
    start, end = _around(original, bug.start)
    grown = len(bug.planted(original)) - len(original)
    frame = "" if original[:start].endswith(b"\n") or not start else "if 1:\n" + _indent(original, start)
    wanted = frame + original[start:end].decode()
    lost = _words(bug.old, bug.new)
    for place, entry in enumerate(scored):
        module, edit = entry.site.module, entry.edit
        first, last = module.byte_offset(edit.start), module.byte_offset(edit.end)
        if module.path != bug.path or first < start or last > end + grown:
            continue
        if _words(edit.text, module.text[edit.start : edit.end]) != lost:  # quick, and true of nearly all
            continue
        text = module.raw[start:first] + edit.text.encode() + module.raw[last : end + grown]
        try:
            if same_program(wanted, frame + text.decode()):
                yield place
        except SyntaxError:
            continue


def _words(new: str, old: str) -> Counter[str]:
    """Which words one text has more often than the other (negative: less), those left out that may stand or not."""
    found = Counter(WORD.findall(new))
    found.subtract(WORD.findall(old))
    return Counter({word: n for word, n in found.items() if n and word not in ("not", "pass", "bool")})


def _around(content: bytes, place: int) -> tuple[int, int]:
    """The bytes of the outermost function around a place."""
    text = Text(content)
    functions = (node for node in ast.walk(ast.parse(content)) if isinstance(node, Function))
    return next((start, end) for start, end in map(text.span, functions) if start <= place < end)


def _indent(content: bytes, place: int) -> str:
    return content[content.rfind(b"\n", 0, place) + 1 : place].decode()
