"""The search's share of the budget, and what the model finds when it takes over."""

from __future__ import annotations

from typing import Any

from coder.policies.contract import Edit, Left, Plan, View
from coder.policies.hybrid import HybridPolicy
from coder.repair.contract import Candidate
from coder_tools.contract import Splice
from coder_tools.workspace import Workspace

BATCH = Edit(candidates=(Candidate("k", Splice("a.py", 0, 0, ""), "swap", 1, 0.0, "note"),), wants="test")


class Endless:
    """Plans with its name, and always has the same edit."""

    def __init__(self, name: str, made: Edit) -> None:
        self.name, self._made = name, made

    def plan(self, view: View) -> Plan:
        return Plan(self.name)

    def edit(self, view: View) -> Edit:
        return self._made


def view(memory: dict[str, Any], seconds: float, steps: int) -> View:
    workspace = Workspace({"a.py": b""}.__getitem__, ["a.py"], {}, lambda path: "")
    return View("fix it", ("t",), workspace, Left(seconds, steps, 1000), memory)


def until_handed_over(steps: int, a_batch: tuple[float, int]) -> tuple[int, Left]:
    """How many batches an endless search gets of 100 seconds and so many steps, and what is left for the model.
    `a_batch`: the seconds and steps that each takes."""
    policy = HybridPolicy(Endless("search", BATCH), Endless("model", Edit(wants="more")))
    memory: dict[str, Any] = {}
    left = 100.0
    assert policy.plan(view(memory, left, steps)).text == "search"
    for number in range(100):
        made = policy.edit(now := view(memory, left, steps))
        if made.wants == "plan":
            assert policy.plan(view(memory, left, steps)).text == "model" and not made.candidates
            return number, now.left
        left, steps = left - a_batch[0], steps - a_batch[1]
    raise AssertionError("the search never ended")


def test_the_search_is_over_when_its_share_of_the_steps_is_spent() -> None:
    batches, left = until_handed_over(200, (0.1, 3))
    assert batches == 14 and left.steps >= 155 and left.seconds > 95


def test_the_search_is_over_when_its_share_of_the_seconds_is_spent() -> None:
    batches, left = until_handed_over(200, (10.0, 3))
    assert batches == 2 and left.seconds == 80


def test_a_small_budget_still_begins_with_a_batch_and_leaves_the_rest_to_the_model() -> None:
    batches, left = until_handed_over(15, (1.0, 3))
    assert batches == 2 and left.steps == 9
