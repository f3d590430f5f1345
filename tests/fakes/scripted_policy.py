"""A policy that does what a list says: for tests of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from coder.policies.contract import Edit, Plan, View

Step = Callable[[View], Edit] | dict[str, Any] | Exception


class ScriptedPolicy:
    """Plays one step of `steps` an edit: a function of the view, an exception to raise, or a mapping with any of
    `write` ({path: bytes}, put into the workspace), `wants` (default "test" after a write, else "more") and `note`.

    Where it stands is kept in the view's memory, so that a resumed run goes on from there. After the last step it
    wants to stop. `views` holds what it was shown.
    """

    name = "scripted"

    def __init__(self, steps: Iterable[Step], plan: Plan | None = None) -> None:
        self._steps = list(steps)
        self._plan = plan or Plan("as the script says")
        self.views: list[View] = []

    def plan(self, view: View) -> Plan:
        self.views.append(view)
        return self._plan

    def edit(self, view: View) -> Edit:
        self.views.append(view)
        at = view.memory["at"] = view.memory.get("at", -1) + 1
        if at >= len(self._steps):
            return Edit(wants="stop", note="the script is at its end")
        step = self._steps[at]
        if isinstance(step, Exception):
            raise step
        if callable(step):
            return step(view)
        for path, data in step.get("write", {}).items():
            view.workspace.write(path, data)
        wrote = bool(step.get("write"))
        return Edit(
            changes=dict(view.workspace.changes) if wrote else None,
            note=step.get("note", ""),
            wants=step.get("wants", "test" if wrote else "more"),
        )
