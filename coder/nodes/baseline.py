"""Baseline: collect, resolve the goal, run the suite more than once, collect coverage for localization."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from coder.errors import CoderError, EnvironmentFault, NothingToFix
from coder.nodes.facts import Baseline
from coder.nodes.goal import EXCUSED, failing_goal, named_goal
from coder.nodes.progress import Progress
from coder.session import Session
from coder.state import State
from coder_tools.contract import Collection, TestResult
from coder_tools.logs import unusual
from coder_tools.testing import TestRunFailed

# Shares of the wall budget. What is not spent here is left for the repair and its verification.
COLLECTION = 0.25
FIRST_RUN = 0.3
REST = 0.4  # of what is left, where nothing fails in what the first run reached
SECOND_RUN = 0.15
COVERAGE = 0.15
SMALL = 10.0  # seconds that tracing may take where the suite takes less: all of a small one, however busy the machine
COVERED = 300  # passing tests whose lines are noted: more of them would say little more, and cost time and memory
ALONE = 10  # tests of the goal whose lines are asked for once more
SLOW = 0.5  # seconds from which a test of the goal comes after the others
LOOPING = 2.0  # seconds in which a test that had no end shows where it is
SHOWN = 3  # goal tests of which it is said why they do not pass
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '(\w+)")
SLOWDOWN = 6.0  # a traced test takes up to this many times its own time where sys.settrace must be used


def baseline(session: Session, state: State) -> State:
    """Find out what passes, fails and flickers before anything is changed.

    Raises UsageError for a goal that names no test, NothingToFix where it passes already, EnvironmentFault where
    nothing can be collected or run, CoderError where the time is up before the goal's tests have run.
    """
    collection = _collect(session)
    session.emit("baseline", "collected", {"tests": len(collection.ids), "errors": [e.path for e in collection.errors]})
    named = named_goal(session.request, collection, session.base)  # before the suite: a slip costs no time
    first, seconds = _first_run(session, collection)
    if not session.suite.traces:  # then collecting was the first run, with what had to be built for it
        seconds = max(seconds, collection.seconds)
    _check_time(session)
    if named is None:
        first |= _until_one_fails(session, collection, first)
        _check_time(session)
    asked = named or failing_goal(collection, first, session.base)
    first |= _run(session, [i for i in asked.ids if i not in first], "goal tests")
    first |= _not_collected(collection, [i for i in asked.ids if i not in first])
    _check_time(session)
    goal = sorted(asked.must_pass(first), key=lambda i: _slowness(first.get(i)))
    fails = not all(i in first and first[i].passed for i in goal)
    traced, flaky = _run_again(session, collection, first, goal, seconds, trace=fails)
    if asked.is_all:  # a test that only fails by chance is nobody's goal, as long as there is another
        goal = [i for i in goal if i not in flaky] or goal
    goal = [i for i in goal if i in flaky or i not in first or not first[i].passed]
    if not goal:
        raise NothingToFix("the goal passes already; it was run twice")
    if not fails:  # but it flickers
        lines, limit = _to_trace(session, collection, first, goal, seconds)
        traced = _run(session, lines, "coverage", limit, coverage=lines)
    traced |= _lost_lines(session, first, goal, traced)
    same = {i: r for i, r in traced.items() if i in first and (i in goal or r.passed == first[i].passed)}
    found = Baseline(
        runner=collection.runner,
        order=tuple(dict.fromkeys([*collection.ids, *goal])),
        results=first,
        flaky=tuple(sorted(flaky - set(goal))),
        unsteady=tuple(i for i in goal if i in flaky),
        not_run=tuple(i for i in collection.ids if i not in first),
        left_out=tuple((e.path, e.message) for e in collection.errors),
        seconds=seconds,
        coverage={i: {path: tuple(sorted(lines)) for path, lines in r.coverage.items()} for i, r in same.items()},
    )
    notes = [words for result in failures(found, goal) if (words := unusual(result))][:SHOWN]
    if found.unsteady:
        notes.insert(0, f"{len(found.unsteady)} of the goal ended otherwise when run again, with nothing changed")
    if asked.is_all and session.request.goal:
        notes.insert(0, "the words of the goal name no test, so it is every test that fails now")
    _announce(session, found, goal, notes)
    session.learn_test_files([*found.order])
    return State(proposal="plan", goal_tests=goal, baseline=session.save(found.to_json()))


def _check_time(session: Session) -> None:
    """What has not run for want of time says nothing: neither that it passes nor that it cannot run."""
    if session.budget.remaining() <= 0:
        spent = f"the time budget of {session.request.time:g} s was spent before the tests had run"
        raise CoderError(f"{spent}; give more with --time")


def _collect(session: Session) -> Collection:
    try:
        left = session.budget.remaining()
        share = COLLECTION if session.suite.traces else COLLECTION + FIRST_RUN  # what is not traced is run for it
        collection = session.suite.collect(timeout=min(left, max(10.0, share * left)))
    except TestRunFailed as error:
        _check_time(session)
        raise EnvironmentFault(str(error)) from error
    if not collection.ids and not collection.errors:
        raise EnvironmentFault("no tests were found; give the command that runs them with --test-cmd")
    faults = [e for e in collection.errors if e.path and not _is_not_installed(session, e.message)]
    if not collection.ids and not faults:  # else what they import is missing here, and may be what is to be written
        said = "\n".join(f"{e.path}: {e.message}".removeprefix(": ") for e in collection.errors[:5])
        raise EnvironmentFault(f"no test can be collected:\n{said}")
    return collection


def _not_collected(collection: Collection, ids: Sequence[str]) -> dict[str, TestResult]:
    """The tests among these whose file cannot be collected, with what it says: there is nothing to run of them."""
    said = {error.path: error.message for error in collection.errors if error.path}
    return {
        i: TestResult(i, "error", message=said[path], exception=said[path].split(":")[0])
        for i in ids
        if (path := i.split("::")[0]) in said
    }


def _is_not_installed(session: Session, message: str) -> bool:
    """Whether a Python module is missing that has no place in the repository."""
    missing = _NO_MODULE.search(message)
    return missing is not None and not any(
        missing[1] in path.removesuffix(".py").split("/") for path in session.base.files if path.endswith(".py")
    )


def _run(
    session: Session,
    ids: Sequence[str] | None,
    label: str,
    timeout: float | None = None,
    coverage: Sequence[str] = (),
    limits: dict[str, float] | None = None,
    total: int = 0,
) -> dict[str, TestResult]:
    """Run tests, telling the listener; what never reported because the time was up is left out."""
    if ids is not None and not ids:
        return {}
    allowed = min(session.budget.remaining(), timeout if timeout is not None else session.budget.remaining())
    started = time.monotonic()
    progress = Progress(session, "baseline", label, total or len(ids or ()))
    results = session.suite.run(
        ids,
        timeout=allowed,
        test_timeout=first_limit(session),
        limits=limits or {},
        coverage=coverage,
        on_result=progress.result,
    )
    is_cut = time.monotonic() - started >= allowed
    return {r.id: r for r in results if r.outcome != "missing" and not (is_cut and _is_half_done(session, r))}


def _is_half_done(session: Session, result: TestResult) -> bool:
    """Whether a test was under way when the whole run was cut: it has not had its time, and nothing is known of it."""
    return result.outcome == "timeout" and result.duration < first_limit(session)


def first_limit(session: Session) -> float:
    """Seconds one test may take while its own time is not known."""
    return min(60.0, max(5.0, 0.05 * session.request.time))


def _first_run(session: Session, collection: Collection) -> tuple[dict[str, TestResult], float]:
    """The whole suite, or as much of it as fits its share of the time, and the seconds it took."""
    share = 0.8 if session.request.verify == "all" else FIRST_RUN
    started = time.monotonic()
    results = _run(
        session,
        list(collection.ids),
        "suite",
        max(10.0, share * session.budget.remaining()),
        total=len(collection.ids),
    )
    return results, time.monotonic() - started


def _until_one_fails(session: Session, collection: Collection, first: dict[str, TestResult]) -> dict[str, TestResult]:
    """More results, where what has run says of no test that it fails: in parts of the time left, until one does.

    Nothing else can be done with the time, and what never ran may be what the user means.
    """
    more: dict[str, TestResult] = {}
    waiting = [i for i in collection.ids if i not in first]
    while waiting and not collection.errors and not any(map(_is_wrong, [*first.values(), *more.values()])):
        limit = max(10.0, REST * session.budget.remaining())
        found = _run(session, waiting, "suite, the rest of it", limit)
        if not found:
            break
        more |= found
        waiting = [i for i in waiting if i not in found]
    return more


def _is_wrong(result: TestResult) -> bool:
    return not result.passed and result.outcome not in EXCUSED


def _to_trace(
    session: Session,
    collection: Collection,
    first: dict[str, TestResult],
    goal: Sequence[str],
    seconds: float,
) -> tuple[list[str], float]:
    """The goal tests and the passing tests nearest to them, as far as the time allows, and the seconds that running
    them while their lines are noted may take."""
    if not session.suite.traces:
        return [], 0.0
    allowance = min(COVERAGE * session.budget.remaining(), max(SMALL, 1.5 * seconds))
    chosen, cost = list(goal[:1]), 0.0
    for test_id in [*goal[1:], *_nearest(collection.ids, first, goal)]:
        looping = test_id in first and first[test_id].outcome == "timeout"
        own = LOOPING if looping else SLOWDOWN * (first[test_id].duration if test_id in first else 0.0)
        if cost + own > allowance or len(chosen) >= len(goal) + COVERED:
            continue
        cost += own + 0.001
        chosen.append(test_id)
    return chosen, max(10.0, 2 * allowance)


def _run_again(
    session: Session,
    collection: Collection,
    first: dict[str, TestResult],
    goal: Sequence[str],
    seconds: float,
    *,
    trace: bool,
) -> tuple[dict[str, TestResult], set[str]]:
    """The results with lines of the tests nearest to the goal, if wanted, and the tests that end differently when run
    again. All are run, if that fits; else the goal and what failed.

    Nothing is asked of a test that is skipped, and one of the goal that fails stays in it however it ends now. One
    that is not of the goal and ends otherwise while its lines are noted may mind that: it is run once more without.
    """
    lines, seconds_for_lines = _to_trace(session, collection, first, goal, seconds) if trace else ([], 0.0)
    allowance = SECOND_RUN * session.budget.remaining()
    wanted = set(first) if seconds <= allowance else {i for i, r in first.items() if not r.passed or i in goal}
    wanted -= {i for i, r in first.items() if r.outcome in EXCUSED or (i in goal and not r.passed)}
    wanted |= set(lines)
    ordered = [i for i in dict.fromkeys([*collection.ids, *goal]) if i in wanted]
    limits = {i: LOOPING for i in lines if i in first and first[i].outcome == "timeout"}
    limit = max(5.0, allowance) + seconds_for_lines
    again = _run(session, ordered, "suite again", limit, coverage=lines, limits=limits)
    traced = {i: again[i] for i in lines if i in again}
    differ = {i for i, r in again.items() if i in first and r.passed != first[i].passed}
    minding = [i for i in traced if i in differ and i not in goal]
    plain = _run(session, minding, "suite again, lines not noted", max(5.0, allowance))
    return traced, (differ - set(minding)) | {i for i, r in plain.items() if r.passed != first[i].passed}


def _lost_lines(
    session: Session, first: dict[str, TestResult], goal: Sequence[str], traced: dict[str, TestResult]
) -> dict[str, TestResult]:
    """The goal's results with lines, from a run of its own, where none came from the one with its neighbours: that may
    have been cut, and without a line there is nothing to try."""
    ran = [i for i in goal if i in first]
    if not session.suite.traces or any(i in traced and traced[i].coverage for i in ran):
        return {}
    limit = max(SMALL, COVERAGE * session.budget.remaining())
    limits = {i: LOOPING for i in ran if first[i].outcome == "timeout"}
    found = _run(session, ran[:ALONE], "coverage of the goal alone", limit, coverage=ran[:ALONE], limits=limits)
    return {i: result for i, result in found.items() if result.coverage}


def _slowness(result: TestResult | None) -> int:
    """Tests of the goal that take long come after the others, whatever is run: what fails shall fail soon."""
    if result is None or result.duration < SLOW:
        return 0
    return 2 if result.outcome == "timeout" else 1


def _nearest(ids: Iterable[str], first: dict[str, TestResult], goal: Sequence[str]) -> list[str]:
    """The passing tests, those that share most of a goal test's id first, quick ones before slow ones."""
    stems = {_stem(i, depth) for i in goal for depth in (1, 2)}
    passing = [i for i in ids if i in first and first[i].passed and i not in goal]
    return sorted(passing, key=lambda i: (-sum(_stem(i, d) in stems for d in (1, 2)), first[i].duration > 0.1))


def _stem(test_id: str, depth: int) -> str:
    separator = "::" if "::" in test_id else "."
    parts = test_id.split(separator)
    return separator.join(parts[: depth if separator == "::" else len(parts) - 3 + depth])


def _announce(session: Session, found: Baseline, goal: Sequence[str], notes: Sequence[str]) -> None:
    outcomes = [r.outcome for r in found.results.values() if not r.passed]
    excused = sum(outcome in EXCUSED for outcome in outcomes)
    session.emit(
        "baseline",
        "done",
        {
            "goal": list(goal),
            "passed": len(found.passing),
            "failed": len(outcomes) - excused,
            "excused": excused,
            "notes": list(notes),
            "flaky": list(found.flaky),
            "not_run": len(found.not_run),
            "left_out": [path for path, _ in found.left_out],
            "seconds": round(found.seconds, 3),
        },
    )


def failures(found: Baseline, goal: Sequence[str]) -> tuple[TestResult, ...]:
    """The goal tests' results at the base."""
    missing = TestResult(id="", outcome="missing")
    return tuple(found.results.get(i, replace(missing, id=i)) for i in goal)
