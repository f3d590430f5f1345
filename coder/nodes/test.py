"""Test (act): a batch of candidates in the warm validator, or the tests over one change set."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from coder.models.hardware import cores
from coder.nodes.baseline import first_limit
from coder.nodes.facts import Baseline, result_to_json, test_file
from coder.nodes.judge import splices_of
from coder.nodes.progress import Progress
from coder.nodes.standing import is_stood_on
from coder.nodes.view import load_baseline
from coder.session import Session
from coder.state import Ref, State
from coder_tools.contract import CandidateResult, Compared, TestResult
from coder_tools.testing import Suite

COMPANION_SECONDS = 1.0  # how much of the passing tests' own time a candidate that passes the goal is put through
COMPANIONS = 200
CPU_FLOOR = 0.06  # seconds of processor time that any candidate gets: an endless loop costs little more
DESCRIBING = 0.1  # seconds of the goal's own time that went into the first traceback of the run
CPU_SLACK = 5.0  # how many times the usual time of such tests it gets besides
RESERVE = 1.0  # seconds of the wall budget a batch leaves over
PATIENCE = 6.0  # times the usual limits for a candidate that had no processor to run on
CHUNK = 32  # candidates between two looks whether one passes, at first; later as many as have been checked
LARGEST = 256  # but no more than these: a look waits for the slowest
FURTHER = 32  # candidates looked at after the first that passes, so that there is something to choose from
COMPARED = 12  # candidates that pass are put side by side, the best by their scores
COMPARISON = 30.0  # seconds it may take; what it does take is a fraction of one, unless the machine is busy
COMPARISON_SHARE = 0.1  # of the wall budget that is left
OFTEN = 10  # runs that a candidate has to pass where the goal passes now and then with nothing changed
SLOWEST = 0.5  # seconds that tests may take which are run many times before the first candidate
WATCHED = 10  # tests of the goal, and passing ones of a candidate, whose calls are recorded


def test(session: Session, state: State) -> State:
    """Goal tests first, then the passing tests the change can reach."""
    found = load_baseline(session, state)
    return _candidates(session, state, found) if state["batch"] else _change(session, state, found)


def _candidates(session: Session, state: State, found: Baseline) -> State:
    """Check a batch; a candidate is plausible when the goal and its companions pass."""
    batch: list[dict[str, Any]] = session.load(state["batch"])
    suite = warm_suite(session, state, batch[0].get("standing", ""))
    started = time.monotonic()
    results, reached = _checked(session, state, found, suite, batch)
    if state["unsteady"]:
        results = _steady(session, state, found, suite, batch, results)
    seconds = time.monotonic() - started
    counts = {**state["counts"], "candidates": state["counts"]["candidates"] + len(results)}
    plausible = [r.key for r in results if r.verdict == "plausible"]
    rate = round(len(results) / seconds, 1) if seconds else 0.0
    data = {
        "checked": len(results),
        "plausible": len(plausible),
        "per_second": rate,
        "total": counts["candidates"],
    }
    session.emit("test", "candidates", data)
    outcome = {
        "kind": "candidates",
        "results": [_candidate_to_json(r) for r in results],
        "reached": reached,
        "compared": _compared(session, state, found, suite, [c for c in batch if c["key"] in plausible]),
    }
    memory = _remember_late(session, state, batch, {r.key for r in results if r.verdict == "timeout"})
    return State(proposal="analyze", outcome=session.save(outcome), counts=counts, memory=memory)


def _remember_late(session: Session, state: State, batch: Sequence[dict[str, Any]], keys: set[str]) -> str:
    """The run's memory with the candidates that were not done in time: they may get more of it later."""
    memory: dict[str, Any] = session.load(state["memory"]) or {}
    late = [candidate for candidate in batch if candidate["key"] in keys and candidate["patience"] == 1.0]
    memory["late"] = [*memory.get("late", ()), *late]
    return session.save(memory)


def _checked(
    session: Session, state: State, found: Baseline, suite: Suite, batch: list[dict[str, Any]]
) -> tuple[list[CandidateResult], int]:
    """The verdicts on the candidates up to a little further than the first that passes, and how far that is.

    How far is counted in candidates, not in seconds: the same is looked at on a busy machine as on an idle one.
    """
    progress = Progress(session, "test", "candidates", len(batch))
    results: list[CandidateResult] = []
    reached = 0
    while reached < len(batch):
        part = batch[reached : reached + max(CHUNK, min(reached, LARGEST))]
        new = _verdicts(session, state, found, suite, part, progress)
        starved = {r.key for r in new if r.starved}
        if starved:  # a busy machine is no reason for a verdict
            patient = [{**c, "patience": c["patience"] * PATIENCE} for c in part if c["key"] in starved]
            again = {r.key: r for r in _verdicts(session, state, found, suite, patient, progress)}
            new = [again.get(r.key, r) for r in new]
        results += new
        reached += len(part)
        if session.budget.remaining() <= RESERVE:
            break
        passing = {r.key for r in results if r.verdict == "plausible"}
        first = next((number for number, c in enumerate(batch) if c["key"] in passing), None)
        if first is not None and reached > first + FURTHER:
            break
    return results, reached


def _steady(
    session: Session,
    state: State,
    found: Baseline,
    suite: Suite,
    batch: list[dict[str, Any]],
    results: list[CandidateResult],
) -> list[CandidateResult]:
    """The verdicts, but a candidate passes only if it does so every time: the goal now and then passes anyway."""
    plausible = {r.key for r in results if r.verdict == "plausible"}
    progress = Progress(session, "test", "candidates again", OFTEN * len(plausible))
    again = [{**c, "key": f"{c['key']} {n}"} for c in batch if c["key"] in plausible for n in range(OFTEN)]
    answers = _verdicts(session, state, found, suite, again, progress) if again else []
    failed = {r.key.split()[0] for r in answers if r.verdict != "plausible"}
    return [replace(r, verdict="failed") if r.key in failed else r for r in results]


def _verdicts(
    session: Session,
    state: State,
    found: Baseline,
    suite: Suite,
    part: Sequence[dict[str, Any]],
    progress: Progress,
) -> list[CandidateResult]:
    goal = state["goal_tests"]
    asked = [(c, companions(found, c)) for c in part]
    return suite.check(
        [(c["key"], splices_of(c), near, candidate_limit(found, goal, near) * c["patience"]) for c, near in asked],
        timeout=max(0.0, session.budget.remaining() - RESERVE),
        on_result=progress.result,
        cpu=goal_cpu(found, goal) * part[0]["patience"],
    )


def _compared(
    session: Session, state: State, found: Baseline, suite: Suite, plausible: list[dict[str, Any]]
) -> dict[str, Any]:
    """What the candidates that pass do on inputs near the tests' own, and why not if that cannot be seen."""
    timeout = min(COMPARISON, COMPARISON_SHARE * session.budget.remaining())
    if not plausible or timeout < 1.0:
        return asdict(Compared(why_not="there was no time for it" if plausible else ""))
    first = sorted(plausible, key=lambda c: (-c["score"], c["key"]))[:COMPARED]
    near = list(dict.fromkeys(test for c in first for test in sorted(companions(found, c))[:WATCHED]))[: 2 * WATCHED]
    files = frozenset(session.base.files)
    tests = {test_file(test, files) for test in found.order}
    compared = suite.compare(
        [(c["key"], splices_of(c)) for c in first],
        passing=near,
        failing=state["goal_tests"][:WATCHED],
        test_files=sorted(path for path in tests if path and not session.is_source(path)),
        seed=session.request.seed,
        timeout=timeout,
    )
    data = {"candidates": len(first), "inputs": len(compared.inputs), "why_not": compared.why_not}
    session.emit("test", "compared", data)
    return asdict(compared)


def warm_suite(session: Session, state: State, standing: Ref) -> Suite:
    """The suite with its warm validator open on the goal tests, over the base and what the candidates stand on."""
    suite = session.suite
    if session.placed != standing:
        suite.close_warm()
        session.place(standing)
    if not suite.warm:
        workers = min(4, cores())
        why_not = suite.open_warm(state["goal_tests"], workers, timeout=session.budget.remaining())
        if why_not:
            session.emit("test", "cold", {"reason": why_not})
    return suite


def quick_suite(session: Session, state: State, found: Baseline, tests: Sequence[str]) -> Suite | None:
    """The suite with its warm validator open over the base, to run these tests often; None where that takes long."""
    if not session.suite.traces or found.duration(tests) > SLOWEST:
        return None
    suite = warm_suite(session, state, "")
    return suite if suite.forks else None


def companions(found: Baseline, candidate: dict[str, Any]) -> list[str]:
    """The quickest passing tests that run the candidate's line (else its files), within a second of their own time."""
    path = candidate["splice"]["path"]
    others = [splice["path"] for splice in candidate.get("more", ())]
    near = found.touching([path, *others]) if others else found.covering(path, candidate["line"])
    near = near or found.touching([path])
    chosen: list[str] = []
    spent = 0.0
    for test_id in near[:COMPANIONS]:
        spent += found.results[test_id].duration
        if chosen and spent > COMPANION_SECONDS:
            break
        chosen.append(test_id)
    return chosen


def candidate_limit(found: Baseline, goal: list[str], near: list[str]) -> float:
    """Seconds of wall time one candidate may take: several times what its tests take when nothing loops."""
    own = sum(min(1.0, found.results[i].duration) for i in goal if i in found.results)
    return 0.5 + 8 * own + 4 * found.duration(near)


def goal_cpu(found: Baseline, goal: list[str]) -> float:
    """Seconds of processor time the goal tests should need when they pass: they may have failed early, or looped,
    so the passing tests beside them count too."""
    files = {test_id.split("::")[0] for test_id in goal}
    beside = sorted(found.results[i].duration for i in found.passing if i.split("::")[0] in files)
    usual = beside[len(beside) * 9 // 10] if beside else 0.0
    own = [found.results[i].duration for i in goal if i in found.results and found.results[i].outcome != "timeout"]
    return CPU_FLOOR + CPU_SLACK * max(sum(own) - DESCRIBING, usual * len(goal))


def _candidate_to_json(result: CandidateResult) -> dict[str, Any]:
    return {
        "key": result.key,
        "verdict": result.verdict,
        "goal_passed": result.goal_passed,
        "test": result.failed_test,
        "exception": result.exception,
        "line": result.line,
    }


def _change(session: Session, state: State, found: Baseline) -> State:
    """Run the goal over the changed worktree and, when it passes, the tests that reach the change."""
    session.suite.close_warm()  # it has the files imported as they were
    session.place(state["change"])
    traced = is_stood_on(session, state)
    results = _run(session, found, state["goal_tests"], "goal tests", coverage=traced)
    coverage = {r.id: {path: sorted(lines) for path, lines in r.coverage.items()} for r in results if traced}
    if all(r.passed for r in results) or (traced and sum(r.passed for r in results) > state["best_passed"]):
        changed = session.load_changes(state["change"])
        near = found.touching(changed)[:COMPANIONS] or list(found.passing)[:COMPANIONS]
        results += _confirmed(session, found, _run(session, found, near, "tests near the change"))
    failed = [r.id for r in results if not r.passed]
    session.emit("test", "outcome", {"passed": len(results) - len(failed), "failed": len(failed), "ids": failed[:20]})
    outcome = {"kind": "change", "results": [result_to_json(r) for r in results], "coverage": coverage}
    return State(proposal="analyze", outcome=session.save(outcome), test_runs=state["test_runs"] + 1)


def _run(
    session: Session, found: Baseline, ids: Sequence[str], label: str, *, coverage: bool = False
) -> list[TestResult]:
    return session.suite.run(
        ids,
        timeout=session.budget.remaining(),
        test_timeout=first_limit(session),
        limits=found.limits(ids),
        coverage=coverage,
        on_result=Progress(session, "test", label, len(ids)).result,
    )


def _confirmed(session: Session, found: Baseline, results: list[TestResult]) -> list[TestResult]:
    """The same results, but a test that failed is there only if it fails again with the change and passes without."""
    failed = [r.id for r in results if not r.passed]
    again = {r.id: r for r in _run(session, found, failed, "again")} if failed else {}
    suspects = [i for i, r in again.items() if not r.passed]
    if not suspects:
        return [again.get(r.id, r) for r in results]
    session.place("")
    without = {r.id: r for r in _run(session, found, suspects, "again, without the change")}
    unsteady = {i for i in suspects if not without[i].passed}
    if unsteady:
        session.emit("test", "unsteady", {"ids": sorted(unsteady)[:20]})
    return [again.get(r.id, r) for r in results if r.id not in unsteady]
