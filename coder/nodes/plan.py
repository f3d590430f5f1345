"""Plan (think): where and why. Ranks the suspicious places once, then asks the policy for its hypothesis."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from coder.nodes.baseline import failures
from coder.nodes.switch import switched
from coder.nodes.unsteady import unsteady
from coder.nodes.view import charge, load_baseline, record_prompt, remember_fault, view_of
from coder.nodes.world import changed_lines, gather
from coder.repair.localize import localize
from coder.session import Session
from coder.state import Ref, State
from coder.trajectories.contract import Step
from coder.trajectories.own import data_of

SHOWN = 10  # suspects in the record's event


def plan(session: Session, state: State) -> State:
    """One hypothesis. For the search policy it is the ranking itself."""
    memory: dict[str, Any] = session.load(state["memory"]) or {}
    update = State()
    if "suspects" not in memory:
        update["unsteady"] = unsteady(session, state, load_baseline(session, state))
        memory["suspects"], memory["world"] = _suspects(session, state)
    view = view_of(session, state, memory)
    proposal = session.policy.plan(view)
    record_prompt(session, "plan", state, proposal.spent)
    remember_fault(memory, proposal)
    memory["policy"] = view.memory
    memory["plan"] = {"text": proposal.text, "files": list(proposal.files), "evidence": proposal.evidence}
    words = proposal.text or proposal.note
    session.emit("plan", "hypothesis", {**memory["plan"], "text": words})
    update |= State(proposal="edit", memory=session.save_passing(memory), counts=charge(state, proposal.spent))
    if proposal.spent.prompts and not (
        proposal.fault or proposal.slow
    ):  # neither a ranking that code has made nor a failed call is a thought
        update["did"] = session.save_passing(data_of(Step(0, words, (), proposal.spent.completion_tokens)))
    return update


def _suspects(session: Session, state: State) -> tuple[list[dict[str, Any]], Ref]:
    """The ranking, and the world as it was when it was made: a resumed run must not see another one."""
    found, goal = load_baseline(session, state), state["goal_tests"]
    results = found.localizable()
    ranked = localize(results, goal, session.is_source, session.base.read)
    world = gather(session, ranked, failures(found, goal))
    changed, turned = changed_lines(session, world), switched(session, state, found, ranked)
    if changed or turned:
        ranked = localize(results, goal, session.is_source, session.base.read, changed, turned)
    top = [asdict(s) for s in ranked]
    session.emit("plan", "suspects", {"n": len(top), "top": top[:SHOWN]})
    return top, session.save(world.to_json())
