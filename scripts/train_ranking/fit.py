"""Fits the weights: the edit that takes a bug back is to be drawn from among the others, by a softmax of the scores.

Maximum a posteriori: the weights there are now are the mean of a Gaussian prior, so that a kind of edit that no
example has keeps its number, and a few examples move it a little.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence

from coder.repair.rank import Weights
from scripts.train_ranking.examples import Example

STEPS = 300
RATE = 0.05
PRECISION = 2.0  # of the prior: examples that outweigh it, roughly, for a feature of size one
LAST = ("same_kind", "same_statement")  # given once all are sorted, and so not learned here


def fit(examples: Sequence[Example], start: Weights) -> Weights:
    """Weights under which the right edits of the examples come first more often. Adam, all examples in each step."""
    names = [
        *(f"feature {name}" for name in start.features if name not in LAST),
        *(f"kind {kind}" for kind in start.kinds),
    ]
    prior = {f"feature {name}": value for name, value in start.features.items()}
    prior |= {f"kind {kind}": value for kind, value in start.kinds.items()}
    weights = dict(prior)
    rows = [[_row(kind, features, prior) for kind, features in example.edits] for example in examples]
    mean: defaultdict[str, float] = defaultdict(float)
    square: defaultdict[str, float] = defaultdict(float)
    for step in range(1, STEPS + 1):
        slope = {name: PRECISION * (weights[name] - prior[name]) for name in names}
        for example, edits in zip(examples, rows, strict=True):
            _add_slope(slope, weights, edits, example)
        for name in names:
            mean[name] = 0.9 * mean[name] + 0.1 * slope[name]
            square[name] = 0.999 * square[name] + 0.001 * slope[name] ** 2
            corrected = mean[name] / (1 - 0.9**step), square[name] / (1 - 0.999**step)
            weights[name] -= RATE * corrected[0] / (math.sqrt(corrected[1]) + 1e-8)
    features = {name: round(weights[f"feature {name}"], 3) for name in start.features}
    return Weights(features, {kind: round(weights[f"kind {kind}"], 3) for kind in start.kinds}, start.rest)


def _row(kind: str, features: Mapping[str, float], known: Mapping[str, float]) -> dict[str, float]:
    row = {f"feature {name}": value for name, value in features.items() if value}
    if f"kind {kind}" in known:
        row[f"kind {kind}"] = 1.0
    return row


def _add_slope(
    slope: dict[str, float], weights: Mapping[str, float], rows: Sequence[Mapping[str, float]], example: Example
) -> None:
    """The gradient of the negative log-probability that one of the right edits is drawn."""
    right = example.right
    scores = [sum(weights[name] * value for name, value in row.items()) for row in rows]
    top = max(scores)
    odds = [count * math.exp(score - top) for score, count in zip(scores, example.counts, strict=True)]
    everything, good = sum(odds), sum(odds[:right])
    for place, row in enumerate(rows):
        pull = odds[place] / everything - (odds[place] / good if place < right else 0.0)
        for name, value in row.items():
            slope[name] += pull * value


def places(examples: Sequence[Example], weights: Weights) -> list[float]:
    """The place of the best right edit of each example among all edits, from 1, as far as the kept ones tell."""
    found = []
    for example in examples:
        scores = [weights.weigh(features, kind) for kind, features in example.edits]
        best = max(scores[: example.right])
        wrong = zip(scores[example.right :], example.counts[example.right :], strict=True)
        found.append(1 + sum(count for score, count in wrong if score > best))
    return found
