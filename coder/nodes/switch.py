"""Predicate switching in the warm validator: which conditions, turned round once, would make the goal pass."""

from __future__ import annotations

from collections.abc import Sequence

from coder.nodes.facts import Baseline
from coder.nodes.test import candidate_limit, goal_cpu, quick_suite
from coder.repair.contract import Suspect
from coder.repair.switch import conditions, probes
from coder.session import Session
from coder.state import State

PROBES = 48  # two evaluations of each of the most suspicious conditions: a fraction of a second
SHARE = 0.1  # of the wall budget that is left, at most


def switched(session: Session, state: State, found: Baseline, suspects: Sequence[Suspect]) -> list[tuple[str, int]]:
    """Path and line of each condition one outcome of which, turned round, makes the first goal test pass.

    Where a candidate takes a process of its own nothing is tried: that would cost more than it tells.
    """
    goal = state["goal_tests"][:1]
    suite = quick_suite(session, state, found, goal)
    asked = probes(session.base.read, suspects, PROBES) if suite is not None else []
    if suite is None or not asked:
        return []
    answers = suite.check(
        [(probe.key, [probe.splice], (), candidate_limit(found, goal, [])) for probe in asked],
        timeout=SHARE * session.budget.remaining(),
        cpu=goal_cpu(found, goal),
    )
    found_out = conditions(asked, answers)
    session.emit("plan", "switched", {"probes": len(answers), "conditions": [list(place) for place in found_out]})
    return found_out
