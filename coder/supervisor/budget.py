"""The budgets of a run. None is exceeded by more than the one step under way, and one part is kept for verification."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from coder.state import State
from coder.task import Request

RESERVE_STEPS = 4  # an edit, its test, its analysis and the verification
RESERVE_SHARE = 0.3  # of the wall budget, the most that is kept back for verification


@dataclass
class Budget:
    """What a run may spend, and what it has spent. `before`: wall seconds spent before a resume."""

    request: Request
    before: float = 0.0
    _started: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        """Wall seconds of the run, all its processes together."""
        return self.before + time.monotonic() - self._started

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.request.time - self.elapsed())

    def left(self, state: State) -> dict[str, float]:
        """What is left of the three that are always limited, for the view and the prompt."""
        counts = state["counts"]
        spent = counts["prompt_tokens"] + counts["completion_tokens"]
        return {
            "seconds_left": round(self.remaining(), 1),
            "steps_left": max(0, self.request.steps - counts["steps"]),
            "tokens_left": max(0, self.request.tokens - spent),
        }

    def spent(self, state: State, disk: int = 0) -> str:
        """Which budget is used up, in words; "" while all last. `disk`: bytes of the run's directory."""
        request, counts = self.request, state["counts"]
        if self.remaining() <= 0:
            return f"the time budget of {request.time:g} s is spent"
        used = (
            (request.steps, counts["steps"], "steps"),
            (request.tokens, counts["prompt_tokens"] + counts["completion_tokens"], "tokens"),
        )
        optional = (
            (request.tokens_in, counts["prompt_tokens"], "tokens read by the model"),
            (request.tokens_out, counts["completion_tokens"], "tokens written by the model"),
            (request.model_calls, counts["model_calls"], "model calls"),
            (request.test_runs, state["test_runs"], "runs of the tests"),
            (request.disk, disk >> 20, "MB of disk"),
        )
        for limit, amount, what in (*used, *(o for o in optional if o[0])):
            if amount >= limit:
                return f"the budget of {limit} {what} is spent"
        return ""

    def reserve(self, suite_seconds: float) -> float:
        """Seconds kept back for a verification: one run of the suite and a little, within a share of the budget."""
        return min(1.2 * suite_seconds + 2.0, RESERVE_SHARE * self.request.time) if suite_seconds else 0.0
