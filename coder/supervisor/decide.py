"""What comes after each step. The node proposes, the supervisor decides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coder.models.contract import ModelError
from coder.nodes.view import charge, load_baseline
from coder.session import Session
from coder.state import State, fresh
from coder.supervisor.answer import answer, remember, untested
from coder.supervisor.budget import RESERVE_STEPS
from coder.supervisor.checkpoints import best_of, keep
from coder.supervisor.decision import Decision
from coder.supervisor.honesty import dishonest
from coder.supervisor.second_opinion import EXAM
from coder.supervisor.watch import Ask, Seen
from coder.trajectories.contract import Judgement, Step

MOST_WITHOUT_TEST = 24  # plan and edit steps in a row after which a change is tested whether asked for or not
DISK_EVERY = 8  # steps between two looks at how large the run's directory is


def supervise(session: Session, state: State) -> State:
    """Decide what comes next, and say why in the record. Runs after every node."""
    update = State()
    state = State(**{**fresh(), **state})  # a run of an older coder lacks what is new
    session.forget(keep={state["memory"], state["did"]})
    seen = _look(session, state, update)
    keep(session, state, update)
    why = ""
    if state["proposal"] == "verify" and not state["fixed"]:
        why = dishonest(session.base.read, session.load_changes(state["change"]))
    if why or state["proposal"] == "rollback":
        _roll_back(session, State(**{**state, **update}), update, why)
    merged = State(**{**state, **update})
    decision = _decide(session, merged, update, seen)
    update["next"] = decision.next
    update["demanded"] = decision.demanded
    if decision.next == "stop":
        _blame_the_server(session, merged, decision)
        update |= _ending(session, merged, decision)
    session.emit("supervisor", "decision", _told(session, state, decision, seen))
    session.rundir.beat()
    session.rundir.settle()
    return update


def _blame_the_server(session: Session, state: State, decision: Decision) -> None:
    """Raises ModelError for a run that ends unfixed while its model cannot be asked: nobody has tried to the end."""
    memory: dict[str, Any] = session.load(state["memory"]) or {}
    if memory.get("fault") and not state["fixed"]:
        fault = str(memory["fault"]).rstrip(".")
        raise ModelError(f"{fault}; the run was over before the model could be asked again: {decision.reason}")


def _look(session: Session, state: State, update: State) -> Seen | None:
    """Judge the step that just ended, if it was one of a policy or of the tests."""
    data: dict[str, Any] | None = session.load(state["did"])
    if data is None:
        return None
    data |= {"seconds": state["took"], "demanded": state["demanded"]}
    ask = _asking(session, state, update)
    seen = session.live.see(session.rundir, state["last"], state["counts"]["steps"], data, ask)
    if seen.label.drifts:
        drift = dict(state["drift"])
        drift[seen.label.name] += 1
        update["drift"] = drift
    if seen.helped is not None:
        session.live.tell(session.rundir, "effect", {"helped": seen.helped, "step": state["counts"]["steps"]})
    return seen


def _asking(session: Session, state: State, update: State) -> Ask | None:
    """How the judge model is asked, on the record and from the budget; None if there is none."""
    judge = session.judge
    if judge is None:
        return None

    def ask(facts: Sequence[str], step: Step) -> Judgement:
        if session.budget.spent(state):
            return ""
        if session.live.heeds_judge is None:
            right, spent = judge.sit_exam(session.budget.remaining())
            update["counts"] = charge(state, spent)
            session.live.heeds_judge = right == len(EXAM)
            session.emit("supervisor", "examined", {"right": right, "of": len(EXAM)})
        if not session.live.heeds_judge:
            return ""
        says, spent = judge.ask(facts, step, session.budget.remaining())
        update["counts"] = charge(State(**{**state, **update}), spent)
        session.emit("supervisor", "judged", {"number": state["counts"]["steps"], "says": says})
        return says

    return ask


def _told(session: Session, state: State, decision: Decision, seen: Seen | None) -> dict[str, Any]:
    data: dict[str, Any] = {"next": decision.next, "reason": decision.reason, "after": state["last"]}
    data["step"] = state["counts"]["steps"]
    if seen is not None:
        label = seen.label
        data |= {"label": label.name, "confidence": round(label.confidence, 2), "cause": label.reason}
        data |= {"gained": label.gained, "balance": session.live.watch.balance.words()}
    return data


def _decide(session: Session, state: State, update: State, seen: Seen | None) -> Decision:
    proposal = state["proposal"]
    if proposal == "stop":
        return Decision("stop", state["reason"] or "the policy has nothing more to propose")
    if session.budget.remaining() <= 0:
        return Decision("stop", session.budget.spent(state))
    if proposal == "verify":
        return Decision("verify", "every goal test passes; the clean room decides")
    disk = session.rundir.size() if state["counts"]["steps"] % DISK_EVERY == 0 else 0
    if spent := session.budget.spent(state, disk):
        return Decision("stop", spent)
    if short := _short(session, state):
        return Decision("stop", short)
    if seen is not None and session.request.supervise and (made := answer(session, state, update, seen)):
        return made
    if proposal == "edit" and state["untested"] > MOST_WITHOUT_TEST and untested(state):
        return Decision("test", f"{state['untested']} steps since a test was run")
    return Decision(proposal, f"proposed by {state['last']}")


def _short(session: Session, state: State) -> str:
    """Whether what is left is what a verification would need: then nothing new is begun."""
    if state["last"] == "baseline" or state["proposal"] not in ("plan", "edit", "test"):
        return ""
    if session.budget.remaining() < kept_back(session, state):
        return "the time left is what a verification would need"
    if state["proposal"] != "test" and session.budget.left(state)["steps_left"] < RESERVE_STEPS:
        return "the steps left are what a verification would need"
    return ""


def kept_back(session: Session, state: State) -> float:
    """Seconds that nothing but a verification may take."""
    return session.budget.reserve(load_baseline(session, state).usual if state["baseline"] else 0.0)


def _roll_back(session: Session, state: State, update: State, why: str) -> None:
    """Give up the change under test: remember it, go back to the best state, try what waits for verification."""
    broke = state["regressed"]
    reason = why or (f"it broke {len(broke)} passing tests" if broke else _refuted(session, state))
    update["failed"] = [*state["failed"], state["change"]]
    update["counts"] = {**state["counts"], "rollbacks": state["counts"]["rollbacks"] + 1}
    update["regressed"] = []
    if state["change"] == state["best"]:  # what was refuted is no state to go back to
        update["best"], update["best_passed"] = best_of(state["tested"], without=update["failed"])
    data = {"reason": reason, "tests": broke[:20], "change": state["change"], "step": state["counts"]["steps"]}
    session.live.tell(session.rundir, "rollback", data)
    waiting = [ref for ref in state["plausible"] if ref not in update["failed"]]
    if waiting:
        update["change"], update["plausible"], update["proposal"] = waiting[0], waiting[1:], "verify"
        return
    update["change"], update["plausible"] = update.get("best", state["best"]), []
    update["proposal"] = "plan"
    text = f"Your last change was rolled back: {reason}: {', '.join(broke[:5])}".rstrip(": ")
    remember(session, state, update, nudge=text)


def _refuted(session: Session, state: State) -> str:
    """What the clean room held against a change that broke nothing."""
    verdict: dict[str, Any] = session.load(state["verification"]) or {}
    if written := verdict.get("meddled"):
        return f"when it runs it writes {', '.join(written[:3])}, which decides what is tested"
    return "with the tests as they were it does not pass the goal"


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
    chance = "; the goal fails by chance: it passes now and then with nothing changed" if state["unsteady"] else ""
    words = (session.load(state["memory"]) or {}).get("slow")
    slow = f"; {words}" if words else ""
    best = f"{state['best_passed']} of {len(state['goal_tests'])} goal tests pass with the best that was reached; "
    return State(status="not_fixed", reason=(best if state["best"] else "") + decision.reason + slow + chance)
