"""Verify: the clean room. The word "fixed" is said of nothing that has not passed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from coder.nodes.baseline import first_limit
from coder.nodes.facts import Baseline, test_file
from coder.nodes.judge import others
from coder.nodes.progress import Progress
from coder.nodes.test import OFTEN
from coder.nodes.view import load_baseline
from coder.session import Session
from coder.state import Ref, State
from coder_sandbox.contract import SandboxError
from coder_tools.contract import Changes, TestResult
from coder_tools.reach import reachable_files
from coder_tools.testing import Suite, TestRunFailed

Scope = Literal["all", "reachable"]
ALTERNATIVES = 10.0  # seconds over one run of the suite that verifying alternatives may take
OVERHEAD = 3.0  # seconds for the checkout, the sandbox and the start of the runner


@dataclass
class Verdict:
    """What the clean room said. Keys as in the result's `verification`, and what the supervisor needs besides."""

    scope: Scope
    goal_passed: int = 0
    still_passing: int = 0
    not_run: int = 0
    regressed: list[str] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    order_dependent: list[str] = field(default_factory=list)  # end otherwise alone than among the others
    goal_failed: list[str] = field(default_factory=list)
    meddled: list[str] = field(default_factory=list)  # tests that running with the change writes, and without does not
    unfinished: bool = False  # the time was up before every test of the scope had run

    @property
    def holds(self) -> bool:
        return not (self.regressed or self.goal_failed or self.meddled or self.unfinished)


def verify(session: Session, state: State) -> State:
    """Run the goal and every test of the scope over a fresh checkout of the base plus the change."""
    found = load_baseline(session, state)
    changes = session.load_changes(state["change"])
    scope, ids = _scope(session, found, changes)
    goal = state["goal_tests"]
    session.emit(
        "verify",
        "start",
        {"scope": scope, "tests": len({*ids, *goal}), "not_run": _outside(found, ids, goal)},
    )
    try:
        with session.clean_room("clean", changes) as suite:
            verdict = _judge(session, state, suite, found, ids, scope)
            verdict.meddled = session.meddled("clean", changes)
    except SandboxError:
        if not state["fixed"]:
            raise
        verdict = Verdict(scope, unfinished=True)  # of an alternative: the patch that held is not lost by it
    verdict.not_run = _outside(found, ids, goal)
    if verdict.regressed and session.budget.remaining() <= 0:
        verdict.unfinished = True
    elif verdict.regressed:  # the change is blamed only where the test passes again without it
        _blame(session, found, verdict)
    if verdict.meddled:
        _excuse(session, found, verdict)
    data = asdict(verdict) | {"verified": verdict.holds, "alternative": bool(state["fixed"])}
    session.emit("verify", "done", data)
    verdicts = {**state["verdicts"], state["change"]: session.save(asdict(verdict))}
    update = State(verdicts=verdicts, verification=verdicts[state["change"]], regressed=verdict.regressed)
    if not (verdict.holds or state["fixed"]):
        unfinished = verdict.unfinished and not (verdict.regressed or verdict.goal_failed or verdict.meddled)
        update["proposal"] = "stop" if unfinished else "rollback"
        return update
    if not state["fixed"]:
        update["fixed"], update["fixed_at"] = state["change"], session.budget.elapsed()
    update["proposal"] = "stop"
    if following := _alternative(session, State(**{**state, **update}), found):
        update["change"], update["proposal"] = following, "verify"
    return update


def _alternative(session: Session, state: State, found: Baseline) -> Ref:
    """The next change set that is offered beside the verified one and has not been in the clean room; "" for none.

    Together they may take as long as one run of the suite and a little: the patch is there, and somebody waits.
    """
    spent = session.budget.elapsed() - state["fixed_at"]
    needed = found.usual + OVERHEAD
    if spent + OVERHEAD > ALTERNATIVES or needed > session.budget.remaining():
        return ""
    waiting = (entry["ref"] for entry in others(session, state, state["fixed"]))
    return next((ref for ref in waiting if ref not in state["verdicts"]), "")


def _outside(found: Baseline, ids: Sequence[str], goal: Sequence[str]) -> int:
    return len(set(found.order) - set(ids) - set(goal))


def _scope(session: Session, found: Baseline, changes: Changes) -> tuple[Scope, list[str]]:
    """Which tests the clean room runs: all that may not fail, or those that can reach the change."""
    if not session.suite.traces:  # nothing tells which tests can reach the change
        return "all", list(found.order)
    wish = session.request.verify
    fits = found.complete and 1.2 * found.usual + OVERHEAD <= session.budget.remaining()
    if wish == "all" or (wish == "auto" and fits):
        return "all", list(found.order)
    with session.base.store.blobs() as blob:
        files = reachable_files(session.base.files, lambda p: blob(session.base.entries[p].oid), changes)
    touching = set(found.touching(changes))
    known = frozenset(session.base.files)
    return "reachable", [i for i in found.order if i in touching or test_file(i, known) in files]


def _judge(session: Session, state: State, suite: Suite, found: Baseline, ids: Sequence[str], scope: Scope) -> Verdict:
    goal = state["goal_tests"]
    scope_ids = {*ids, *goal}
    wanted = [i for i in found.order if i in scope_ids]
    verdict = Verdict(scope)
    try:
        results = {r.id: r for r in _run(session, suite, found, wanted, "clean room")}
        if session.budget.remaining() <= 0:  # what was not reached, or was cut, says nothing of the change
            results = {i: r for i, r in results.items() if r.outcome not in ("missing", "timeout")}
            verdict.unfinished = len(results) < len(wanted)
        verdict.goal_failed = [i for i in goal if i in results and not results[i].passed]
        must_pass = set(found.passing) | set(found.not_run)
        broken = [i for i, r in results.items() if i in must_pass and i not in goal and not r.passed]
        again = {r.id: r for r in _run(session, suite, found, [*goal, *broken], "clean room again")}
    except TestRunFailed:
        verdict.goal_failed = list(goal)
        return verdict
    if session.budget.remaining() <= 0:
        verdict.unfinished = True
    else:
        verdict.goal_failed += [i for i in goal if i not in verdict.goal_failed and not again[i].passed]
    if state["unsteady"] and not verdict.goal_failed:
        verdict.goal_failed = _repeated(session, suite, found, goal)
        verdict.unfinished |= session.budget.remaining() <= 0
    loose = [i for i in broken if again[i].passed]
    verdict.order_dependent = _fail_in_order(session, suite, found, wanted, loose, "the same order again")
    verdict.regressed = [i for i in broken if not again[i].passed or i in verdict.order_dependent]
    verdict.flaky = sorted({*found.flaky, *loose} - set(verdict.order_dependent))
    verdict.goal_passed = len(goal) - len(verdict.goal_failed)
    verdict.still_passing = sum(i in results and results[i].passed for i in found.passing)
    return verdict


def _repeated(session: Session, suite: Suite, found: Baseline, goal: Sequence[str]) -> list[str]:
    """The tests of a goal that passes now and then anyhow which fail in any of many more runs."""
    for _ in range(OFTEN):
        results = _run(session, suite, found, goal, "clean room, once more")
        if session.budget.remaining() <= 0:
            return []
        if failed := [r.id for r in results if not r.passed]:
            return failed
    return []


def _run(session: Session, suite: Suite, found: Baseline, ids: Sequence[str], label: str) -> list[TestResult]:
    if not ids:
        return []
    progress = Progress(session, "verify", label, len(ids))
    return suite.run(
        ids,
        timeout=session.budget.remaining(),
        test_timeout=first_limit(session),
        limits=found.limits(ids),
        on_result=progress.result,
    )


def _fail_in_order(
    session: Session, suite: Suite, found: Baseline, order: Sequence[str], suspects: Sequence[str], label: str
) -> list[str]:
    """The suspects that fail when all that comes before them is run first, as in the whole suite."""
    if not suspects or session.budget.remaining() <= 0:
        return []
    last = max(order.index(i) for i in suspects)
    results = {r.id: r for r in _run(session, suite, found, order[: last + 1], label)}
    return [i for i in suspects if not results[i].passed and results[i].outcome != "missing"]


def _excuse(session: Session, found: Baseline, verdict: Verdict) -> None:
    """Forget what the suite writes among its tests without the change too."""
    with session.clean_room("base", {}) as suite:
        _run(session, suite, found, [i for i in found.order if i in found.results], "the base, for what it writes")
        usual = set(session.meddled("base", {}))
    verdict.meddled = [path for path in verdict.meddled if path not in usual]


def _blame(session: Session, found: Baseline, verdict: Verdict) -> None:
    """Keep as regressed what passes on the base now: alone, or in the suite's order where that made it fail.

    What fails there too is no fault of the change. It passed at the baseline, so it depends on time or on chance.
    """
    suspects = [i for i in verdict.regressed if i not in verdict.order_dependent]
    with session.clean_room("base", {}) as suite:
        alone = {r.id: r for r in _run(session, suite, found, suspects, "the base, for comparison")}
        in_order = [*verdict.order_dependent, *(i for i in suspects if not alone[i].passed and i in found.results)]
        order = [i for i in found.order if i in found.results]
        fail = set(_fail_in_order(session, suite, found, order, in_order, "the base, in order"))
    innocent = {i for i in in_order if i in fail} | {i for i in suspects if not alone[i].passed and i not in in_order}
    verdict.order_dependent = [i for i in in_order if i not in innocent]
    verdict.regressed = [i for i in verdict.regressed if i not in innocent]
    verdict.flaky = sorted({*verdict.flaky, *(i for i in innocent if i in found.results)})
