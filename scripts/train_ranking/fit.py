"""Fits the weights: the edit that takes a bug back is to be drawn from among the others, by a softmax of the scores.

Maximum a posteriori: the weights there are now are the mean of a Gaussian prior, so that a kind of edit that no
example has keeps its number, and a few examples move it a little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coder.repair.rank import Weights
from scripts.train_ranking.examples import Example

STEPS = 300
RATE = 0.05
PRECISION = 2.0  # of the prior: examples that outweigh it, roughly, for a feature of size one
LAST = ("same_kind", "same_statement")  # given once all are sorted, and so not learned here

Array = NDArray[np.float64]


class _Rows(NamedTuple):
    """One example: a row for each edit, of which the first `right` restore the original."""

    values: Array  # edits x weights
    fixed: Array  # what an edit's score has besides, for a kind without a number of its own
    counts: Array  # how many edits each stands for
    right: int


class _Layout:
    """Which weight stands in which column."""

    def __init__(self, start: Weights) -> None:
        self._start = start
        features = [name for name in start.features if name not in LAST]
        self._features = {name: place for place, name in enumerate(features)}
        self._kinds = {kind: len(features) + place for place, kind in enumerate(start.kinds)}
        self.prior = np.array([*(start.features[name] for name in features), *start.kinds.values()])

    def rows(self, example: Example) -> _Rows:
        values = np.zeros((len(example.edits), len(self.prior)))
        fixed = np.zeros(len(example.edits))
        for row, (kind, features) in enumerate(example.edits):
            for name, value in features.items():
                if name in self._features:
                    values[row, self._features[name]] = value
            if kind in self._kinds:
                values[row, self._kinds[kind]] = 1.0
            else:
                fixed[row] = self._start.rest
        return _Rows(values, fixed, np.array(example.counts, dtype=float), example.right)

    def weights(self, learned: Array) -> Weights:
        features = {n: float(learned[p].round(3)) for n, p in self._features.items()}
        kinds = {kind: float(learned[place].round(3)) for kind, place in self._kinds.items()}
        return Weights({**self._start.features, **features}, kinds, self._start.rest)


def fit(examples: Sequence[Example], start: Weights) -> Weights:
    """Weights under which the right edits of the examples come first more often. Adam (Kingma and Ba 2014), all
    examples in each step."""
    layout = _Layout(start)
    rows = [layout.rows(example) for example in examples]
    learned = layout.prior.copy()
    mean, square = np.zeros_like(learned), np.zeros_like(learned)
    for step in range(1, STEPS + 1):
        slope = PRECISION * (learned - layout.prior) + sum(_slope(each, learned) for each in rows)
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        learned = learned - RATE * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return layout.weights(learned)


def _slope(rows: _Rows, weights: Array) -> Array:
    """The gradient of the negative log-probability that one of the right edits is drawn."""
    scores = rows.values @ weights + rows.fixed
    odds = rows.counts * np.exp(scores - scores.max())
    pull = odds / odds.sum()
    pull[: rows.right] -= odds[: rows.right] / max(odds[: rows.right].sum(), 1e-300)
    slope: Array = pull @ rows.values
    return slope


def places(examples: Sequence[Example], weights: Weights) -> list[float]:
    """The place of the best right edit of each example among all edits, from 1, as far as the kept ones tell."""
    found = []
    for example in examples:
        scores = [weights.weigh(features, kind) for kind, features in example.edits]
        best = max(scores[: example.right])
        wrong = zip(scores[example.right :], example.counts[example.right :], strict=True)
        found.append(1 + sum(count for score, count in wrong if score > best))
    return found
