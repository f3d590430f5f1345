"""The budgets of a run. None is exceeded by more than the one step under way, and one part is kept for verification."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from coder.state import State
from coder.task import Request

RESERVE_STEPS = 4  # an edit, its test, its analysis and the verification
_A_STEP = 2.0  # seconds without which nothing new is begun
RESERVE_SHARE = 0.3  # of the wall budget, the most that is kept back for verification


@dataclass
class Budget:
    """What a run may spend, and what it has spent. `before`: wall seconds spent before a resume. `lost`: what no state
    counts, by its name there: model calls that ended an earlier part of the run."""

    request: Request
    before: float = 0.0
    lost: Mapping[str, int] = field(default_factory=dict)
    _started: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        """Wall seconds of the run, all its processes together."""
        return self.before + time.monotonic() - self._started

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.request.time - self.elapsed())

    def left(self, state: State) -> dict[str, float]:
        """What is left of the three that are always limited, for the view and the prompt."""
        counts = self._counts(state)
        spent = counts["prompt_tokens"] + counts["completion_tokens"]
        return {
            "seconds_left": round(self.remaining(), 1),
            "steps_left": max(0, self.request.steps - counts["steps"]),
            "tokens_left": max(0, self.request.tokens - spent),
        }

    def spent(self, state: State, disk: int = 0) -> str:
        """Which budget is used up, in words; "" while all last. `disk`: bytes of the run's directory."""
        if self.remaining() <= 0:
            return f"the time budget of {self.request.time:g} s is spent"
        for name, what, amount in self._used(state, disk):
            if amount >= (limit := getattr(self.request, name)):
                return f"the budget of {limit} {what} is spent"
        return ""

    def larger(self, state: State, kept: float = 0.0) -> str:
        """The option with which `coder resume` could go on from a state, such as "--steps 400", where with these
        budgets it would end at once; "" where it would not. `kept`: seconds kept back for a verification."""
        if self.remaining() <= max(_A_STEP, kept):
            return f"--time {ceil(2 * self.request.time)}s"
        for name, _, amount in self._used(state):
            reserve = RESERVE_STEPS if name == "steps" else 1
            if amount > (limit := getattr(self.request, name)) - reserve:
                return f"--{name.replace('_', '-')} {2 * max(limit, amount)}"
        return ""

    def _counts(self, state: State) -> dict[str, int]:
        return {name: amount + self.lost.get(name, 0) for name, amount in state["counts"].items()}

    def _used(self, state: State, disk: int = 0) -> list[tuple[str, str, int]]:
        """The budgets there are but for time: the name in the request, in words, and what is used of it."""
        counts = self._counts(state)
        used = [
            ("steps", "steps", counts["steps"]),
            ("tokens", "tokens", counts["prompt_tokens"] + counts["completion_tokens"]),
            ("tokens_in", "tokens read by the model", counts["prompt_tokens"]),
            ("tokens_out", "tokens written by the model", counts["completion_tokens"]),
            ("model_calls", "model calls", counts["model_calls"]),
            ("test_runs", "runs of the tests", state["test_runs"]),
            ("disk", "MB of disk", disk >> 20),
        ]
        return [each for each in used if getattr(self.request, each[0]) or each[0] in ("steps", "tokens")]

    def reserve(self, suite_seconds: float) -> float:
        """Seconds kept back for a verification: one run of the suite and a little, within a share of the budget."""
        return min(1.2 * suite_seconds + 2.0, RESERVE_SHARE * self.request.time) if suite_seconds else 0.0
