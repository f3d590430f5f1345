"""The hybrid policy: search first for a share of the budget, then the model, with the search at its side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from coder.policies.contract import Edit, Plan, Policy, View
from coder.policies.near import near_misses, where_it_points

T = TypeVar("T")

SEARCH_SHARE = 0.2  # of the seconds and steps left when the search begins: what is spent first ends it
FEWEST_STEPS = 5  # that it gets of any budget: its plan, a batch, the test of that, what came of it, handing over


class HybridPolicy:
    """Hands each step to the search until that is spent, and to the model from then on."""

    name = "hybrid"

    def __init__(self, search: Policy, model: Policy) -> None:
        self._search, self._model = search, model

    def plan(self, view: View) -> Plan:
        left = view.left
        view.memory.setdefault("search_until", left.seconds * (1 - SEARCH_SHARE))
        view.memory.setdefault("search_until_steps", left.steps - max(FEWEST_STEPS, int(left.steps * SEARCH_SHARE)))
        return self._with(view, self._active(view).plan)

    def edit(self, view: View) -> Edit:
        """The active policy's edit. When the search is spent the next step is a plan, by the model."""
        if self._active(view) is self._model:
            return near_misses(view) or where_it_points(view) or self._with(view, self._model.edit)
        if self._search_is_over(view):
            return self._hand_over(view, "the search has had its share of the budget")
        made = self._with(view, self._search.edit)
        return self._hand_over(view, made.note) if made.wants == "stop" else made

    def switch(self, memory: dict[str, Any]) -> bool:
        """The other policy goes on, the search without its share of the budget as a limit."""
        memory["phase"] = "search" if memory.get("phase") == "model" else "model"
        memory["search_until"], memory["search_until_steps"] = 0.0, 0
        return bool(memory["phase"] == "search")

    def _hand_over(self, view: View, why: str) -> Edit:
        """The model goes on, from a plan of its own: asking for one ends standing on an edit of the search."""
        view.memory["phase"] = "model"
        return Edit(wants="plan", note=f"{why}; the model takes over")

    def _active(self, view: View) -> Policy:
        return self._model if view.memory.get("phase") == "model" else self._search

    def _search_is_over(self, view: View) -> bool:
        seconds, steps = view.memory.get("search_until", 0.0), view.memory.get("search_until_steps", 0)
        return bool(view.left.seconds <= seconds or view.left.steps <= steps)

    def _with(self, view: View, step: Callable[[View], T]) -> T:
        """Run a step of one policy with that policy's own part of the memory."""
        memory = view.memory
        view.memory = memory.setdefault(memory.get("phase", "search"), {})
        try:
            return step(view)
        finally:
            view.memory = memory
