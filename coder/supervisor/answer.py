"""What each rung of the ladder does to a live run. The answer to drift goes where the model reads on: a tool result."""

from __future__ import annotations

from typing import Any

from coder.nodes.standing import stand_on_best
from coder.policies.contract import Switchable
from coder.session import Session
from coder.state import State
from coder.supervisor.checkpoints import finding_of
from coder.supervisor.decision import Decision
from coder.supervisor.ladder import Rung
from coder.supervisor.watch import Seen
from coder_tools.contract import PYTHON

_NUDGES = {
    "overacting": "The supervisor: {reason}. Change the code, or ask for something that is not known yet.",
    "overthinking": "The supervisor: {reason}. Reasoning alone brings nothing new: edit, or read something new.",
}
_PLAN = "Your next plan must name evidence that you do not have yet, and how to get it. Known: {facts}."


def answer(session: Session, state: State, update: State, seen: Seen) -> Decision | None:
    """Carry out the intervention of a step, if there is one; None if what was proposed may go on."""
    if not state["think"] and session.live.watch.ladder.rung < Rung.CONSTRAIN:
        update["think"] = True  # whoever has climbed back may think again
    if seen.intervention is None:
        return None
    rung = seen.intervention.rung
    if rung == Rung.SWITCH and state["switched"]:
        rung = Rung.STOP
    _count(state, update)
    text = _NUDGES[seen.label.name].format(reason=seen.label.reason)
    decision = _carry_out(session, state, update, rung, text)
    session.live.tell(
        session.rundir,
        "intervention",
        {
            "rung": rung.word,
            "label": seen.label.name,
            "confidence": round(seen.label.confidence, 2),
            "reason": seen.label.reason,
            "step": state["counts"]["steps"],
        },
    )
    return decision


def _carry_out(session: Session, state: State, update: State, rung: Rung, text: str) -> Decision | None:
    if rung == Rung.NUDGE:
        remember(session, state, update, nudge=text)
        return None
    if rung == Rung.CONSTRAIN:
        remember(session, state, update, nudge=f"{text} {_plan(session)}")
        update["think"] = False
        if untested(state):
            return Decision("test", "drift: what was changed is tested now", demanded=True)
        return Decision("plan", "drift: a plan that names new evidence is asked for", demanded=True)
    if rung == Rung.ROLL_BACK:
        update["change"] = state["best"]
        back = "" if state["change"] == state["best"] else " Your edits since the best state were taken back."
        remember(session, state, update, nudge=f"{text}{back} {_plan(session)}")
        return Decision("plan", "drift: back to the best state", demanded=True)
    if rung == Rung.SWITCH:
        if _switch(session, state, update):
            return Decision("test", "drift: the search goes on, from what the best state does", demanded=True)
        return Decision("plan", "drift: the other policy goes on", demanded=True)
    return Decision("stop", f"{text.removeprefix('The supervisor: ').split('. ')[0]}; every milder answer had failed")


def untested(state: State) -> bool:
    """Whether there is a change that no test has seen."""
    return bool(state["change"]) and state["change"] not in state["tested"]


def _plan(session: Session) -> str:
    return _PLAN.format(facts="; ".join(session.live.watch.known.facts(4)) or "nothing")


def remember(session: Session, state: State, update: State, nudge: str) -> None:
    """Leave a word for the next step's view."""
    memory: dict[str, Any] = session.load(update.get("memory", state["memory"])) or {}
    update["memory"] = session.save_passing({**memory, "nudge": nudge})


def _count(state: State, update: State) -> None:
    drift = dict(update.get("drift", state["drift"]))
    drift["interventions"] += 1
    update["drift"] = drift


def _switch(session: Session, state: State, update: State) -> bool:
    """From the model to the search, or back; a policy that has no other starts over. Once in a run.

    Whether the tests are to be run first: on the best state, for the search to see where that still fails.
    """
    memory: dict[str, Any] = session.load(update.get("memory", state["memory"])) or {}
    searches = False
    if isinstance(session.policy, Switchable):
        searches = session.policy.switch(memory.setdefault("policy", {}))
    else:
        memory["policy"] = {}
    if memory.pop("standing", None):
        update["finding"] = finding_of(state, state["best"])
    untraced = searches and bool(state["best"]) and session.language == PYTHON
    untraced = untraced and stand_on_best(session, memory, state["best"])
    update["memory"] = session.save_passing(memory)
    update["switched"] = True
    update["change"] = state["best"]
    return untraced
