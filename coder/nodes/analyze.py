"""Analyze (think): raw results in, a small structured finding out, and a proposal of what comes next."""

from __future__ import annotations

from typing import Any

from coder.nodes.facts import result_from_json
from coder.nodes.view import load_baseline
from coder.session import Session
from coder.state import State
from coder_tools.contract import Splice
from coder_tools.logs import finding
from coder_tools.splice import spliced


def analyze(session: Session, state: State) -> State:
    """Read the outcome of the last test step."""
    outcome: dict[str, Any] = session.load(state["outcome"])
    if outcome["kind"] == "candidates":
        return _candidates(session, state, outcome["results"])
    return _change(session, state, outcome["results"])


def _candidates(session: Session, state: State, results: list[dict[str, Any]]) -> State:
    """The plausible candidates of the batch become change sets that wait for verification, in rank order."""
    batch = {c["key"]: c for c in session.load(state["batch"])}
    plausible = [batch[r["key"]] for r in results if r["verdict"] == "plausible"]
    plausible.sort(key=lambda c: -c["score"])
    refs = [session.save_changes(_changes(session, c)) for c in plausible]
    broke = sum(r["verdict"] == "goal" for r in results)
    data = {"plausible": [c["note"] for c in plausible[:5]], "broke_others": broke, "checked": len(results)}
    session.emit("analyze", "finding", data)
    waiting = [ref for ref in refs if ref not in state["failed"]]
    if not waiting:
        return State(proposal="edit", batch="")
    return State(proposal="verify", batch="", change=waiting[0], plausible=waiting[1:])


def _changes(session: Session, candidate: dict[str, Any]) -> dict[str, bytes | None]:
    splice = Splice(**candidate["splice"])
    return {splice.path: spliced(session.base.read(splice.path), [splice])}


def _change(session: Session, state: State, stored: list[dict[str, Any]]) -> State:
    """What a model's change did to the goal and to the tests that passed before."""
    found = load_baseline(session, state)
    results = [result_from_json(r) for r in stored]
    goal = set(state["goal_tests"])
    read = finding(results, state["goal_tests"])
    passing = set(found.passing)
    regressed = sorted(r.id for r in results if not r.passed and r.id in passing)
    passed = sum(r.passed for r in results if r.id in goal)
    session.emit("analyze", "finding", {**read.to_dict(), "goal_passed": passed, "regressed": regressed[:20]})
    update = State(finding=session.save(read.to_dict()), regressed=regressed)
    if regressed:
        update["proposal"] = "rollback"
    elif passed == len(goal):
        update["proposal"] = "verify"
    else:
        update["proposal"] = "edit"
        if passed > state["best_passed"]:
            update["best"], update["best_passed"] = state["change"], passed
    return update
