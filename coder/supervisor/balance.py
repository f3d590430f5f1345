"""The think/act balance: what a piece of evidence costs in thinking and in actions, against this task's own band."""

from __future__ import annotations

import math
from dataclasses import dataclass

_FLOOR = 400.0  # tokens: thinking cheaper than this is never out of the band
_WIDTH = 2.0  # standard deviations of the logarithm
_LEARNING = 5  # pieces of evidence before there is a band


@dataclass
class Balance:
    """Running figures. The band adapts: hard tasks take more thought for each piece, and that is not drift."""

    thinking: float = 0.0  # tokens (characters / 4 where they are not known) since the last piece of evidence
    actions: int = 0
    pieces: int = 0
    _mean: float = 0.0  # of the logarithm of thinking per piece (Welford's running mean and variance)
    _spread: float = 0.0
    total_actions: int = 0
    total_thinking: float = 0.0

    def take(self, tokens: float, actions: int, gained: int) -> None:
        """One step's cost, and what it brought."""
        self.thinking += tokens
        self.actions += actions
        self.total_thinking += tokens
        self.total_actions += actions
        if gained:
            self.pieces += gained
            value = math.log1p(self.thinking / gained)
            seen = max(1, self.pieces)
            delta = value - self._mean
            self._mean += delta / seen
            self._spread += delta * (value - self._mean)
            self.thinking, self.actions = 0.0, 0

    @property
    def limit(self) -> float:
        """Tokens of thinking without evidence that this task's own steps make unusual."""
        if self.pieces < _LEARNING:
            return math.inf
        deviation = math.sqrt(self._spread / self.pieces)
        return max(_FLOOR, math.expm1(self._mean + _WIDTH * max(0.5, deviation)))

    @property
    def strained(self) -> bool:
        """Whether the thinking since the last evidence is outside the band."""
        return self.thinking > self.limit

    def words(self) -> str:
        """For the live view: "310 tokens of thinking and 1.2 actions a finding"."""
        if not self.pieces:
            return "no finding yet"
        return (
            f"{self.total_thinking / self.pieces:.0f} tokens of thinking and "
            f"{self.total_actions / self.pieces:.1f} actions a finding"
        )
