"""The budgets of a run: wall time, steps and tokens. None is exceeded by more than the one step under way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from coder.state import State
from coder.task import Request


@dataclass
class Budget:
    """What a run may spend, and what it has spent. Times are wall seconds; `before` was spent before a resume."""

    seconds: float
    steps: int
    tokens: int
    before: float = 0.0
    _started: float = field(default_factory=time.monotonic)

    @classmethod
    def of(cls, request: Request, before: float = 0.0) -> Budget:
        return cls(request.time, request.steps, request.tokens, before)

    def elapsed(self) -> float:
        return self.before + time.monotonic() - self._started

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.seconds - self.elapsed())

    def left(self, state: State) -> dict[str, float]:
        """What is left of each, for the view and the prompt."""
        counts = state["counts"]
        spent = counts["prompt_tokens"] + counts["completion_tokens"]
        return {
            "seconds_left": round(self.remaining(), 1),
            "steps_left": max(0, self.steps - counts["steps"]),
            "tokens_left": max(0, self.tokens - spent),
        }

    def spent(self, state: State) -> str:
        """Which budget is used up, in words; "" while all last."""
        left = self.left(state)
        if left["seconds_left"] <= 0:
            return f"the time budget of {self.seconds:g} s is spent"
        if left["steps_left"] <= 0:
            return f"the budget of {self.steps} steps is spent"
        if left["tokens_left"] <= 0:
            return f"the budget of {self.tokens} tokens is spent"
        return ""
