"""The hybrid policy: search first for a share of the budget, then the model, with the search at its side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from coder.policies.contract import Edit, Plan, Policy, View
from coder.policies.near import near_misses, where_it_points

T = TypeVar("T")

SEARCH_SHARE = 0.4  # of the wall budget that is left when the search begins


class HybridPolicy:
    """Hands each step to the search until that is spent, and to the model from then on."""

    name = "hybrid"

    def __init__(self, search: Policy, model: Policy) -> None:
        self._search, self._model = search, model

    def plan(self, view: View) -> Plan:
        view.memory.setdefault("search_until", view.left.seconds * (1 - SEARCH_SHARE))
        return self._with(view, self._active(view).plan)

    def edit(self, view: View) -> Edit:
        """The active policy's edit. When the search is spent the next step is a plan, by the model."""
        active = self._active(view)
        if active is self._model and (near := near_misses(view) or where_it_points(view)):
            return near
        made = self._with(view, active.edit)
        if active is self._search and (made.wants == "stop" or self._search_is_over(view)):
            view.memory["phase"] = "model"
            if made.wants == "stop":
                return Edit(wants="plan", note=f"{made.note}; the model takes over")
        return made

    def switch(self, memory: dict[str, Any]) -> None:
        """The other policy goes on, the search without its share of the time as a limit."""
        memory["phase"] = "search" if memory.get("phase") == "model" else "model"
        memory["search_until"] = 0.0

    def _active(self, view: View) -> Policy:
        return self._model if view.memory.get("phase") == "model" else self._search

    def _search_is_over(self, view: View) -> bool:
        return view.left.seconds <= float(view.memory.get("search_until", 0.0))

    def _with(self, view: View, step: Callable[[View], T]) -> T:
        """Run a step of one policy with that policy's own part of the memory."""
        memory = view.memory
        view.memory = memory.setdefault(memory.get("phase", "search"), {})
        try:
            return step(view)
        finally:
            view.memory = memory
