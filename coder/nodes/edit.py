"""Edit (act): one change set from a model, or one ranked batch of candidates from the search."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from coder.nodes.judge import edits_by_file
from coder.nodes.standing import stand_on
from coder.nodes.view import charge, record_prompt, remember_fault, view_of
from coder.policies.contract import BASE, BEST, Edit
from coder.session import Session
from coder.state import Proposal, State
from coder.supervisor.checkpoints import finding_of, tried
from coder.trajectories.contract import Call, Step
from coder.trajectories.own import data_of
from coder_tools.shape import shape
from coder_tools.text import cap

RESULT_LIMIT = 4000  # characters of a tool's answer that the record keeps for the supervisor

AFTER: dict[str, Proposal] = {"test": "test", "more": "edit", "plan": "plan", "stop": "stop"}


def edit(session: Session, state: State) -> State:
    """One step of the policy's editing. A change that was tried before is refused, not tested again."""
    if state["batch"]:  # what passed of it did not hold: the rest has not been tried
        return State(proposal="test")
    memory: dict[str, Any] = session.load(state["memory"]) or {}
    view = view_of(session, state, memory)
    made = session.policy.edit(view)
    record_prompt(session, "edit", state, made.spent)
    remember_fault(memory, made)
    memory["policy"] = view.memory
    memory["nudge"] = ""
    if made.attempt:
        session.emit("edit", "attempt", {"note": made.attempt})
    for event in made.tool_events:
        session.emit(
            "edit",
            "tool",
            {"name": event.name, "ok": event.ok, "repeated": event.repeated, "summary": event.summary},
        )
    update = State(proposal=AFTER[made.wants], counts=charge(state, made.spent), batch="")
    if made.stand_on == BASE:
        memory["standing"] = memory["kept"] = None
        update["change"], update["finding"] = "", finding_of(state, "")
    elif made.stand_on == BEST or (memory.get("standing") and made.wants in ("plan", "stop")):
        memory["standing"] = memory.get("kept") if made.stand_on == BEST else None
        update["change"], update["finding"] = state["best"], finding_of(state, state["best"])
    if made.stand_on and made.stand_on != BASE:
        update["change"] = stand_on(session, memory, made.stand_on)
        session.emit("edit", "standing", {"note": made.note})
    elif made.candidates:
        ref = state["change"] if made.on_change else ""
        standing = memory.get("standing") or {"ref": ref, "edits": edits_by_file(session, ref)}
        on = {"standing": standing["ref"], "edits": standing["edits"]}
        update["batch"] = session.save([asdict(c) | on for c in made.candidates])
        session.emit("edit", "batch", {"size": len(made.candidates), "note": made.note})
    elif made.changes is not None:
        _take(session, state, made, memory, update)
    elif made.wants == "stop":
        update["reason"] = made.note
    if update["proposal"] == "test" and not made.candidates and not made.stand_on:
        _answer_known(session, state, memory, update)
    if (step := _step(made)) is not None:
        update["did"] = session.save_passing(data_of(step))
    update["memory"] = session.save_passing(memory)
    return update


def _take(session: Session, state: State, made: Edit, memory: dict[str, Any], update: State) -> None:
    """Put a model's change set under test, unless one with the same syntax trees is known to fail."""
    changes = session.allowed(made.changes or {})
    if len(changes) < len(made.changes or {}):
        left_out = ", ".join(sorted((made.changes or {}).keys() - changes.keys()))
        session.emit("edit", "refused", {"reason": f"left out, as they may not be changed: {left_out}"})
    ref, wanted = session.save_changes(changes), shape(changes)
    if any(ref == known or shape(session.load_changes(known)) == wanted for known in state["failed"]):
        memory["nudge"] = "This very change was tried and failed; it was not tested again. Change something else."
        session.emit("edit", "refused", {"reason": "the same change was tried before and failed"})
        update["change"], update["proposal"] = state["best"], "plan"
        return
    update["change"] = ref
    memory["standing"] = None  # a change set of the model is whole: it stands on nothing of the search
    session.emit("edit", "change", {"files": sorted(changes), "note": made.note})


def _answer_known(session: Session, state: State, memory: dict[str, Any], update: State) -> None:
    """Answer a test of a state that was tested before from what is known, without running it."""
    change = update.get("change", state["change"])
    known = tried(session, state, change) if change else None
    if known is None:
        return
    passed, goal = known[1][0], len(state["goal_tests"])
    reason = f"this very state was tested before: {passed} of {goal} goal tests passed"
    memory["nudge"] = f"Not run again, as {reason}. Change something else."
    session.emit("edit", "refused", {"reason": reason})
    update["finding"], update["proposal"] = known[1][4], "edit"


def _step(made: Edit) -> Step | None:
    """The step as the supervisor judges it; None if the tests that it asked for are all there is to judge, or there is
    nothing to judge before several answers to one question have been tested, or the model could not be asked."""
    calls = [
        Call(e.name, e.arguments, cap(e.text, RESULT_LIMIT), e.ok, e.repeated)
        for e in made.tool_events
        if not e.pending
    ]
    if made.stand_on in (BASE, BEST) or made.attempt or made.fault:
        return None
    if made.stand_on:
        calls.append(Call("propose_candidates", {"first": made.stand_on, "n": 1}))
    elif made.candidates:
        calls.append(Call("propose_candidates", {"first": made.candidates[0].key, "n": len(made.candidates)}))
    elif made.changes is not None and not calls:
        digest = {path: hashlib.sha256(data or b"").hexdigest() for path, data in made.changes.items()}
        calls.append(Call("edit_files", {"path": " ".join(digest), "replace": " ".join(digest.values())}))
    if not calls and (made.tool_events or made.wants == "stop"):
        return None
    return Step(0, made.thought or (made.note if not calls else ""), tuple(calls), made.spent.completion_tokens)
