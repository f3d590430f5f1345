"""Edit (act): one change set from a model, or one ranked batch of candidates from the search."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from coder.nodes.view import charge, view_of
from coder.policies.contract import Edit
from coder.session import Session
from coder.state import Proposal, State

AFTER: dict[str, Proposal] = {"test": "test", "more": "edit", "plan": "plan", "stop": "stop"}


def edit(session: Session, state: State) -> State:
    """One step of the policy's editing. A change that was tried before is refused, not tested again."""
    if state["batch"]:  # what passed of it did not hold: the rest has not been tried
        return State(proposal="test", label="calibrated", silent=0)
    memory: dict[str, Any] = session.load(state["memory"]) or {}
    view = view_of(session, state)
    made = session.policy.edit(view)
    memory["policy"] = view.memory
    memory["nudge"] = ""
    for event in made.tool_events:
        session.emit(
            "edit",
            "tool",
            {"name": event.name, "ok": event.ok, "repeated": event.repeated, "summary": event.summary},
        )
    update = State(proposal=AFTER[made.wants], counts=charge(state, made.spent), batch="")
    if made.candidates:
        update["batch"] = session.save([asdict(c) for c in made.candidates])
        session.emit("edit", "batch", {"size": len(made.candidates), "note": made.note})
    elif made.changes is not None:
        _take(session, state, made, memory, update)
    elif made.wants == "stop":
        update["reason"] = made.note
    update["label"] = _label(made)
    update["silent"] = 0 if update["label"] == "calibrated" else state["silent"] + 1
    update["memory"] = session.save(memory)
    return update


def _take(session: Session, state: State, made: Edit, memory: dict[str, Any], update: State) -> None:
    """Put a model's change set under test, unless it is known to fail."""
    ref = session.save_changes(made.changes or {})
    if ref in state["failed"]:
        memory["nudge"] = "This very change was tried and failed; it was not tested again. Change something else."
        session.emit("edit", "refused", {"reason": "the same change was tried before and failed"})
        update["change"], update["proposal"] = state["best"], "plan"
        return
    update["change"] = ref
    session.emit("edit", "change", {"files": sorted(made.changes or {}), "note": made.note})


def _label(made: Edit) -> str:
    """Whether the step brought something new: an edit, a batch, an answer not had before."""
    if made.candidates or made.changes is not None or any(not event.repeated for event in made.tool_events):
        return "calibrated"
    return "overacting" if made.tool_events else "overthinking"
