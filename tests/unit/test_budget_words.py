"""What is left of a run's budgets, and what a resumed run would need to go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coder.state import State, fresh
from coder.supervisor.budget import Budget
from coder.task import Request


def budget(before: float = 0.0, lost: dict[str, int] | None = None, **given: Any) -> Budget:
    return Budget(Request(Path("repo"), **{"time": 1e6, "steps": 20, "tokens": 1000, **given}), before, lost or {})


def state(test_runs: int = 0, **counts: int) -> State:
    new = fresh()
    return State(**{**new, "counts": {**new["counts"], **counts}, "test_runs": test_runs})


@pytest.mark.parametrize(
    ("kept", "used", "option"),
    [
        (budget(), state(steps=16, prompt_tokens=999), ""),
        (budget(before=1e6 - 1), state(), "--time 2000000s"),
        (budget(), state(steps=17), "--steps 40"),
        (budget(), state(prompt_tokens=600, completion_tokens=900), "--tokens 3000"),
        (budget(tokens_in=500), state(prompt_tokens=500), "--tokens-in 1000"),
        (budget(test_runs=2), state(test_runs=2), "--test-runs 4"),
        (budget(model_calls=3, lost={"model_calls": 1}), state(model_calls=2), "--model-calls 6"),
    ],
)
def test_a_spent_budget_is_named_with_one_that_would_do(kept: Budget, used: State, option: str) -> None:
    assert kept.larger(used) == option


def test_what_is_kept_for_a_verification_is_not_there_to_go_on_with() -> None:
    kept = budget(time=5000.0, before=80.0)
    assert kept.larger(state(), kept=4990.0) == "--time 10000s" and not kept.larger(state())


def test_calls_that_ended_an_earlier_part_of_a_run_are_spent() -> None:
    kept = budget(lost={"model_calls": 1, "prompt_tokens": 400}, model_calls=3)
    assert kept.left(state(prompt_tokens=500))["tokens_left"] == 100
    assert kept.spent(state(model_calls=2)) == "the budget of 3 model calls is spent"
