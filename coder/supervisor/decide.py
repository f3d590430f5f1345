"""What comes after each step. The node proposes, the supervisor decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coder.nodes.view import load_baseline
from coder.session import Session
from coder.state import State

NUDGE, FORCE_PLAN, GIVE_UP = 3, 5, 8  # silent steps in a row
MOST_WITHOUT_TEST = 24  # edit and plan steps in a row that a policy may take before something is tested
RESERVE_SHARE = 0.3  # of the wall budget, the most that is kept back for verification


@dataclass(frozen=True)
class Decision:
    """What is next and why, in words for the record."""

    next: str
    reason: str


def supervise(session: Session, state: State) -> State:
    """Decide what comes next, and say why in the record. Runs after every node."""
    update = State()
    if state["proposal"] == "rollback":
        _roll_back(session, state, update)
    merged = State(**{**state, **update})
    decision = _decide(session, merged, update)
    update["next"] = decision.next
    if decision.next == "stop":
        update |= _ending(session, merged, decision)
    session.emit("supervisor", "decision", {"next": decision.next, "reason": decision.reason, "after": state["last"]})
    session.rundir.log.sync()
    return update


def _decide(session: Session, state: State, update: State) -> Decision:
    proposal = state["proposal"]
    if proposal == "stop":
        return Decision("stop", state["reason"] or "the policy has nothing more to propose")
    if session.budget.remaining() <= 0:
        return Decision("stop", session.budget.spent(state))
    if proposal == "verify":
        return Decision("verify", "every goal test passes; the clean room decides")
    if spent := session.budget.spent(state):
        return Decision("stop", spent)
    searching = state["last"] != "baseline" and proposal in ("plan", "edit", "test")
    if searching and session.budget.remaining() < reserve(session, state):
        return Decision("stop", "the time left is what a verification would need")
    return _answer_drift(session, state, update) or Decision(proposal, f"proposed by {state['last']}")


def reserve(session: Session, state: State) -> float:
    """Seconds kept back for a verification: one run of the suite and a little, within a share of the budget."""
    needed = 1.2 * load_baseline(session, state).seconds + 2.0 if state["baseline"] else 0.0
    return min(needed, RESERVE_SHARE * session.request.time)


def _answer_drift(session: Session, state: State, update: State) -> Decision | None:
    """The ladder, first rungs: a nudge, a forced plan, an end with the best state."""
    if state["last"] not in ("edit", "plan"):
        return None
    silent, untested = state["silent"], state["untested"]
    if silent == 0 and untested <= MOST_WITHOUT_TEST:
        return None
    label = "overacting" if state["label"] == "overacting" else "overthinking"
    if silent >= GIVE_UP or untested > MOST_WITHOUT_TEST:
        _count(state, update, label)
        return Decision("stop", f"{label}: {max(silent, untested)} steps brought nothing new")
    if silent in (NUDGE, FORCE_PLAN):
        _count(state, update, label)
        word = "You already have these answers." if label == "overacting" else "Reasoning alone brings nothing new."
        _nudge(session, state, update, f"{word} Change the code, or read something you have not read.")
    if silent == FORCE_PLAN:
        return Decision("plan", f"{label}: a new plan is asked for")
    return None


def _count(state: State, update: State, label: str) -> None:
    drift = dict(state["drift"])
    drift[label] += 1
    drift["interventions"] += 1
    update["drift"] = drift


def _nudge(session: Session, state: State, update: State, text: str) -> None:
    memory: dict[str, Any] = session.load(state["memory"]) or {}
    update["memory"] = session.save({**memory, "nudge": text})


def _roll_back(session: Session, state: State, update: State) -> None:
    """Give up the change under test: remember it, go back to the best state, try what waits for verification."""
    broke = state["regressed"]
    reason = f"it broke {len(broke)} passing tests" if broke else "it did not hold in the clean room"
    update["failed"] = [*state["failed"], state["change"]]
    update["counts"] = {**state["counts"], "rollbacks": state["counts"]["rollbacks"] + 1}
    update["regressed"] = []
    session.emit("supervisor", "rollback", {"reason": reason, "tests": broke[:20]})
    waiting = [ref for ref in state["plausible"] if ref not in update["failed"]]
    if waiting:
        update["change"], update["plausible"], update["proposal"] = waiting[0], waiting[1:], "verify"
        return
    update["change"], update["plausible"], update["proposal"] = state["best"], [], "plan"
    _nudge(
        session,
        state,
        update,
        f"Your last change was rolled back: {reason}: {', '.join(broke[:5])}".rstrip(": "),
    )


def _ending(session: Session, state: State, decision: Decision) -> State:
    """Fixed only if a change set held in the clean room: it is what the run gives."""
    if state["fixed"]:
        return State(
            status="fixed",
            reason="every goal test passes and no test that passed before fails",
            change=state["fixed"],
            verification=state["verdicts"][state["fixed"]],
        )
    verdict = session.load(state["verification"]) if state["last"] == "verify" else None
    if verdict and verdict["unfinished"]:
        return State(
            status="not_fixed",
            reason="a plausible patch was found, but the time was up before it was verified",
        )
    return State(status="not_fixed", reason=decision.reason)
