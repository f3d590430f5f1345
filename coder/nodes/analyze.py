"""Analyze (think): raw results in, a small structured finding out, and a proposal of what comes next."""

from __future__ import annotations

from typing import Any

from coder.nodes.facts import result_from_json
from coder.nodes.judge import judged
from coder.nodes.standing import is_stood_on, look_around, remember_partials, step_back
from coder.nodes.view import load_baseline
from coder.session import Session
from coder.state import State
from coder.trajectories.contract import Call, Step
from coder.trajectories.own import data_of
from coder_tools.logs import finding


def analyze(session: Session, state: State) -> State:
    """Read the outcome of the last test step."""
    outcome: dict[str, Any] = session.load(state["outcome"])
    if outcome["kind"] == "candidates":
        return _candidates(session, state, outcome)
    return _change(session, state, outcome)


def _candidates(session: Session, state: State, outcome: dict[str, Any]) -> State:
    """The plausible candidates become change sets that wait for verification, the one to be trusted most first."""
    results, batch = outcome["results"], session.load(state["batch"])
    passing = {r["key"] for r in results if r["verdict"] == "plausible"}
    rest = batch[outcome["reached"] :]
    update = State(proposal="edit", batch=session.save(rest) if rest else "")
    broke = sum(r["verdict"] == "goal" for r in results)
    data = {"plausible": [], "broke_others": broke, "checked": len(results)}
    if passing:
        update["choice"] = judged(session, state, [c for c in batch if c["key"] in passing], outcome["compared"])
        entries = session.load(update["choice"])["entries"]
        waiting = [entry["ref"] for entry in entries if entry["ref"] not in state["failed"]]
        if waiting:
            update["proposal"], update["change"], update["plausible"] = "verify", waiting[0], waiting[1:]
        data["plausible"] = [entry["edits"][-1]["note"] for entry in entries[:5]]
        data["kinds"] = len({entry["group"] for entry in entries})
    else:
        by_key = {c["key"]: c for c in batch}
        update["memory"] = remember_partials(session, state, load_baseline(session, state), by_key, results)
    session.emit("analyze", "finding", data)
    return update


def _change(session: Session, state: State, outcome: dict[str, Any]) -> State:
    """What a change set did to the goal and to the tests that passed before."""
    found = load_baseline(session, state)
    results = [result_from_json(r) for r in outcome["results"]]
    goal = set(state["goal_tests"])
    read = finding(results, state["goal_tests"])
    passing = set(found.passing)
    regressed = sorted(r.id for r in results if not r.passed and r.id in passing)
    passed = sum(r.passed for r in results if r.id in goal)
    session.emit("analyze", "finding", {**read.to_dict(), "goal_passed": passed, "regressed": regressed[:20]})
    failed = sum(not r.passed for r in results)
    said = f"{failed} failed, {len(results) - failed} passed\n{read.words()}"
    update = State(finding=session.save(read.to_dict()), regressed=regressed)
    update["did"] = session.save_passing(data_of(Step(0, "", (Call("run_tests", {}, said, True),))))
    if regressed:
        update["proposal"] = "rollback"
    elif passed == len(goal):
        update["proposal"] = "verify"
    else:
        update["proposal"] = "edit"
    if is_stood_on(session, state):
        better = not regressed and passed > state["best_passed"]
        update["memory"] = (
            step_back(session, state) if regressed else look_around(session, state, found, outcome, better=better)
        )
    return update
