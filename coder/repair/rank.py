"""The order in which candidates are tried: a log-linear model whose numbers are in ranking.json."""

from __future__ import annotations

import ast
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coder.repair.naturalness import Model, Text, tokenise
from coder.repair.site import Edit, Site

RANKING = Path(__file__).with_name("ranking.json")


@dataclass(frozen=True)
class Weights:
    """The model's numbers, in nats. `make train-ranking` writes them.

    features: for one unit of each of
        suspicion       log of the statement's suspicion, 0 to 1
        bonus           what the family knows about this choice
        clue            what the failure messages say about this kind
        naturalness     mean log-probability of the new tokens over the old ones
        size            square root of the tokens taken out and put in
        adopts          a local variable that nothing read is read
        orphans         a local variable is no longer read at all
        repeats         `x < x`, `f(a, a)`: added (or, negative, taken away)
        shrinks         tokens lost: behaviour is not to be deleted
        same_kind       log of how many better ones of this kind the statement has
        same_statement  log of how many better ones the statement has
    kinds: how often a fault is of the kind that this edit undoes; `rest` for a kind without a number of its own.
    """

    features: Mapping[str, float]
    kinds: Mapping[str, float]
    rest: float

    @classmethod
    def load(cls, file: Path = RANKING) -> Weights:
        data = json.loads(file.read_text(encoding="utf-8"))
        return cls(data["features"], data["kinds"], data["rest"])

    def weigh(self, features: Mapping[str, float], kind: str) -> float:
        """The number of the kind plus the weighted features."""
        return self.kinds.get(kind, self.rest) + sum(self.features[name] * value for name, value in features.items())


WEIGHTS = Weights.load()
_IDLE = 1.0  # what speaks for changing a statement that does nothing, as a family's bonus counts
_MOVED = 0.5  # of a token that is put elsewhere, against one that is taken out or put in

_WORD = re.compile(r"[A-Za-z_]\w*")
_JOINS = frozenset({"<", "<=", ">", ">=", "==", "!=", "-", "/", "//", "%", "and", "or", "is", "in", ",", "="})
_GOES_ON = frozenset({".", "(", "["})  # after a name, what is meant is something else than it
_ENDS = frozenset({"\n", ",", ")"})  # `x = x` is one only where nothing follows


@dataclass
class Scored:
    """An edit of a statement, how suspicious that is, and the score from all that is known."""

    edit: Edit
    site: Site
    suspicion: float
    score: float = 0.0


def likely(edit: Edit) -> bool:
    """Whether the edit is worth a look where there are too many to look at all."""
    return WEIGHTS.kinds.get(edit.kind, WEIGHTS.rest) + edit.bonus >= WEIGHTS.rest


class Ranker:
    """Scores edits by the texts they stand in."""

    def __init__(self, texts: Mapping[str, Text]) -> None:
        self._texts = texts
        self._model = Model(list(texts.values()))
        self._reads: dict[ast.AST | None, Counter[str]] = {}
        self._old: dict[tuple[str, int, int], float] = {}

    def score(self, edit: Edit, site: Site, suspicion: float) -> float:
        """The score of one edit, apart from how many others there are."""
        return WEIGHTS.weigh(self.features(edit, site, suspicion), edit.kind)

    def features(self, edit: Edit, site: Site, suspicion: float) -> dict[str, float]:
        """What the model knows of one edit besides its kind: the names are explained in `Weights`."""
        before, old, after = self._texts[site.module.path].around(edit.start, edit.end)
        new = [token for _, token in tokenise(edit.text)]
        return {
            "suspicion": math.log(max(suspicion, 1e-3)),
            "bonus": edit.bonus + (_IDLE if site.is_idle and site.holds(edit) else 0.0),
            "clue": site.clues.kinds.get(edit.kind, 0.0),
            "naturalness": self._naturalness(edit, site, before, old, new, after),
            "repeats": _repeats([*before, *new, *after]) - _repeats([*before, *old, *after]),
            **_sizes(old, new),
            **self._readings(site, old, new),
        }

    def _naturalness(
        self, edit: Edit, site: Site, before: list[str], old: list[str], new: list[str], after: list[str]
    ) -> float:
        place = (site.module.path, edit.start, edit.end)
        if place not in self._old:
            self._old[place] = self._model.mean(before, old, after, own=1)
        return self._model.mean(before, new, after) - self._old[place]

    def _readings(self, site: Site, old: list[str], new: list[str]) -> dict[str, float]:
        """Variables that are read for the first time, or no longer."""
        function = site.function
        if function not in self._reads:
            self._reads[function] = _reads_of(function)
        reads = self._reads[function]
        local = site.scopes.variables(function)
        gone = {t for t in old if t in local and reads[t] == old.count(t)} - set(new)
        fresh = {t for t in new if t in local and reads[t] == 0} - {"self", "cls", *old}
        return {"adopts": float(bool(fresh)), "orphans": float(bool(gone))}


def _reads_of(function: ast.AST | None) -> Counter[str]:
    nodes = ast.walk(function) if function is not None else ()
    return Counter(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))


def _sizes(old: list[str], new: list[str]) -> dict[str, float]:
    """Tokens that differ, the common beginning and end left out."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    gone, come = Counter(old[start : len(old) - end]), Counter(new[start : len(new) - end])
    lost, gained = (gone - come).total(), (come - gone).total()
    moved = (gone & come).total()  # what is only put elsewhere was not made up
    size = math.sqrt(lost + gained + _MOVED * moved)  # a second line is less of a surprise than the first
    return {"size": size, "shrinks": float(min(20, max(0, lost - gained)))}


def _repeats(tokens: list[str]) -> float:
    """How often a name stands on both sides of an operator or comma, by itself: of `x and x.y` it does not."""
    following = zip(tokens, tokens[1:], tokens[2:], [*tokens[3:], "\n"], strict=False)
    return float(
        sum(
            a == b
            and join in _JOINS
            and _WORD.match(a) is not None
            and (then in _ENDS if join == "=" else then not in _GOES_ON)
            for a, join, b, then in following
        )
    )


def order(scored: Iterable[Scored], seed: int) -> list[Scored]:
    """Best first. Each further candidate of a kind, and of a statement, loses: none starves the others."""
    entries = sorted(scored, key=lambda entry: (-entry.score, _tie(entry, seed)))
    kinds: Counter[tuple[int, str]] = Counter()
    statements: Counter[int] = Counter()
    for entry in entries:
        statement = id(entry.site.statement)
        kind = (statement, entry.edit.kind)
        entry.score += WEIGHTS.features["same_kind"] * math.log1p(kinds[kind])
        kinds[kind] += 1
    entries.sort(key=lambda entry: (-entry.score, _tie(entry, seed)))
    for entry in entries:
        statement = id(entry.site.statement)
        entry.score += WEIGHTS.features["same_statement"] * math.log1p(statements[statement])
        statements[statement] += 1
    return sorted(entries, key=lambda entry: (-entry.score, _tie(entry, seed)))


def _tie(entry: Scored, seed: int) -> tuple[int, str, int, int, str]:
    edit = entry.edit
    mixed = zlib.crc32(
        f"{seed}:{entry.site.module.path}:{edit.start}:{edit.end}:{edit.text}".encode("utf-8", "replace")
    )
    return mixed, entry.site.module.path, edit.start, edit.end, edit.text
