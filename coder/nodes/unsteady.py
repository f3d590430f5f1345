"""Whether the goal fails by chance: then it passes now and then anyway, and a patch has to pass it often."""

from __future__ import annotations

from coder.nodes.facts import Baseline
from coder.nodes.test import candidate_limit, goal_cpu, quick_suite
from coder.session import Session
from coder.state import State

UNCHANGED = 8  # runs of the goal with nothing changed: milliseconds each, in the warm validator


def unsteady(session: Session, state: State, found: Baseline) -> list[str]:
    """The tests of the goal that are known to end either way, or all of them if once they pass with nothing changed.

    Where a candidate takes a process of its own nothing is tried.
    """
    goal = state["goal_tests"]
    suite = None if found.unsteady else quick_suite(session, state, found, goal)
    if suite is None:
        return list(found.unsteady)
    asked = [(f"unchanged {n}", (), (), candidate_limit(found, goal, [])) for n in range(UNCHANGED)]
    answers = suite.check(asked, timeout=session.budget.remaining(), cpu=goal_cpu(found, goal))
    passed = sum(answer.verdict == "plausible" for answer in answers)
    if passed:
        session.emit("plan", "unsteady", {"passed": passed, "of": len(answers), "tests": goal})
    return goal if passed else []
