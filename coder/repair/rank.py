"""The order in which candidates are tried: a log-linear model, all its numbers in the two tables here."""

from __future__ import annotations

import ast
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from coder.repair.naturalness import Model, Text, tokenise
from coder.repair.site import Edit, Site

# Nats for one unit of each feature.
WEIGHTS: Mapping[str, float] = {
    "suspicion": 1.5,  # log of the statement's suspicion, 0 to 1
    "bonus": 1.0,  # what the family knows about this choice
    "clue": 1.0,  # what the failure messages say about this kind
    "naturalness": 0.5,  # mean log-probability of the new tokens over the old ones
    "size": -0.12,  # tokens taken out and put in
    "adopts": 1.2,  # a local variable that nothing read is read
    "orphans": -0.8,  # a local variable is no longer read at all
    "repeats": -1.5,  # `x < x`, `f(a, a)`: added (or, negative, taken away)
    "shrinks": -0.15,  # tokens lost: behaviour is not to be deleted
    "same_kind": -0.75,  # log of how many better ones of this kind the statement has
    "same_statement": -0.35,  # log of how many better ones the statement has
}

# How often a fault is of the kind that this edit undoes (nats, 0 the most common).
PRIORS: Mapping[str, float] = {
    "compare": 0.0, "int-step": 0.0, "bool": 0.0, "boolean": 0.0, "condition-negate": 0.0, "arithmetic": 0.0,
    "argument-swap": 0.0, "operand-swap": -1.2, "name": 0.0, "augmented": -0.4, "bits": 0.0, "negate": -0.7,
    "attribute": -0.3, "sibling": -0.1, "callee": -0.6, "target": -0.8, "step": -0.8, "index-step": -0.5,
    "range-bound": -0.4, "bound-step": -0.4, "slice-add": -0.8, "slice-drop": -0.9, "bound-add": -0.9,
    "index-add": -1.2, "bound-drop": -0.8, "bound-move": -1.5, "reverse": -1.0, "int-value": -0.6, "float": -0.8,
    "none": -1.2, "string": -1.0, "string-near": -0.7, "name-for-constant": -1.2, "name-for-call": -2.0,
    "attribute-add": -1.3,
    "attribute-drop": -1.3, "self-add": -0.6, "self-drop": -0.9, "condition-add": -0.6, "condition-drop": -0.6,
    "condition-fixed": -1.8, "condition-form": -0.9, "condition-wrap": -1.8, "ternary-drop": -2.0,
    "keyword-swap": -1.0, "wrap": -1.2, "wrap-own": -1.6, "unwrap": -1.2, "unwrap-other": -2.0, "call-add": -1.0,
    "call-drop": -1.5, "method-add": -1.6, "method-drop": -1.5, "await": 0.0, "argument-drop": -1.3,
    "argument-add": -1.3, "keyword-add": -0.8, "keyword-drop": -1.5, "keyword-name": 0.0, "star": -1.2,
    "mutable-default": 0.5, "parameter-swap": -1.5, "return-value": -0.9, "return-constant": -1.8,
    "return-negate": -1.0, "return-drop": -2.5, "return-more": -1.8, "return-add": -0.8, "assign-add": -1.2,
    "yield-from": -0.3, "yield-return": -1.2, "guard-return": -1.2, "guard-raise": -2.0, "guard-default": -1.8,
    "guard-loop": -1.8, "guard-ternary": -2.2, "get-default": -1.6, "or-default": -2.0, "copy": -1.6,
    "update": -1.8, "initialise": -1.8, "delete": -3.0, "unwrap-block": -2.5, "else-drop": -2.2, "else-add": -1.8,
    "move": -1.6, "indent": -1.4, "dedent": -1.4, "flow": -1.0, "flow-add": -1.6, "raise-return": -1.8,
    "except-type": -0.2, "raise-type": -0.4, "handler-add": -2.0, "operand-drop": -1.2, "regroup": -0.8,
    "element-swap": -0.8, "element-drop": -1.6, "import-add": 0.5, "import-name": 0.5, "scope-add": 0.0,
    "decorator-add": -1.0, "revert": 0.0, "return-predicate": -0.9,
}  # fmt: skip
_REST = -2.0
_LIKELY = -1.0

_WORD = re.compile(r"[A-Za-z_]\w*")
_JOINS = frozenset({"<", "<=", ">", ">=", "==", "!=", "-", "/", "//", "%", "and", "or", "is", "in", ",", "="})


@dataclass
class Scored:
    """An edit of a statement with its features and, from them, its score."""

    edit: Edit
    site: Site
    suspicion: float
    score: float = 0.0


def weigh(features: Mapping[str, float], kind: str) -> float:
    """The model: prior of the kind plus the weighted features."""
    return PRIORS.get(kind, _REST) + sum(WEIGHTS[name] * value for name, value in features.items())


def likely(edit: Edit) -> bool:
    """Whether the edit is worth a look where there are too many to look at all."""
    return PRIORS.get(edit.kind, _REST) + edit.bonus > _LIKELY


class Ranker:
    """Scores edits by the texts they stand in."""

    def __init__(self, texts: Mapping[str, Text]) -> None:
        self._texts = texts
        self._model = Model(list(texts.values()))
        self._reads: dict[ast.AST | None, Counter[str]] = {}
        self._old: dict[tuple[str, int, int], float] = {}

    def score(self, edit: Edit, site: Site, suspicion: float) -> float:
        """The score of one edit, apart from how many others there are."""
        before, old, after = self._texts[site.module.path].around(edit.start, edit.end)
        new = [token for _, token in tokenise(edit.text)]
        features = {
            "suspicion": math.log(max(suspicion, 1e-3)),
            "bonus": edit.bonus,
            "clue": site.clues.kinds.get(edit.kind, 0.0),
            "naturalness": self._naturalness(edit, site, before, old, new, after),
            "repeats": _repeats([*before, *new, *after]) - _repeats([*before, *old, *after]),
            **_sizes(old, new),
            **self._readings(site, old, new),
        }
        return weigh(features, edit.kind)

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
    lost, gained = len(old) - start - end, len(new) - start - end
    return {"size": float(min(30, lost + gained)), "shrinks": float(min(20, max(0, lost - gained)))}


def _repeats(tokens: list[str]) -> float:
    triples = zip(tokens, tokens[1:], tokens[2:], strict=False)
    return float(sum(a == b and join in _JOINS and _WORD.match(a) is not None for a, join, b in triples))


def order(scored: Iterable[Scored], seed: int) -> list[Scored]:
    """Best first. Each further candidate of a kind, and of a statement, loses: none starves the others."""
    entries = sorted(scored, key=lambda entry: (-entry.score, _tie(entry, seed)))
    kinds: Counter[tuple[int, str]] = Counter()
    statements: Counter[int] = Counter()
    for entry in entries:
        statement = id(entry.site.statement)
        kind = (statement, entry.edit.kind)
        entry.score += WEIGHTS["same_kind"] * math.log1p(kinds[kind])
        kinds[kind] += 1
    entries.sort(key=lambda entry: (-entry.score, _tie(entry, seed)))
    for entry in entries:
        statement = id(entry.site.statement)
        entry.score += WEIGHTS["same_statement"] * math.log1p(statements[statement])
        statements[statement] += 1
    return sorted(entries, key=lambda entry: (-entry.score, _tie(entry, seed)))


def _tie(entry: Scored, seed: int) -> tuple[int, str, int, int, str]:
    edit = entry.edit
    mixed = zlib.crc32(
        f"{seed}:{entry.site.module.path}:{edit.start}:{edit.end}:{edit.text}".encode("utf-8", "replace")
    )
    return mixed, entry.site.module.path, edit.start, edit.end, edit.text
