"""What the search stands on: the base, or a first edit that was not enough and on which a second is looked for.

It is part of the run's memory: `partials` are the candidates that made progress, the best first, and `standing` is the
one in use, with what the tests did on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from coder.nodes.facts import Baseline, result_from_json, result_to_json
from coder.nodes.judge import changed, edit_in_words, edits_by_file
from coder.repair.localize import localize
from coder.repair.partial import green, progress
from coder.session import Session
from coder.state import Ref, State
from coder_tools.contract import CandidateResult, TestResult

KEPT = 12  # partial successes that are remembered

Memory = dict[str, Any]


def remember_partials(
    session: Session, state: State, found: Baseline, batch: Mapping[str, dict[str, Any]], results: Sequence[Any]
) -> Ref:
    """The run's memory with the candidates of a batch that made progress, if what they stand on may get a second."""
    memory: Memory = session.load(state["memory"]) or {}
    standing = memory.get("standing")
    if standing and not standing["kept"]:
        return state["memory"]  # two edits are enough
    before = _results(standing, found)
    passed = green(state["goal_tests"], before)
    for stored in results:
        strength = progress(_candidate_result(stored), before, passed)
        if strength:
            memory.setdefault("partials", []).append({**batch[stored["key"]], "strength": strength})
    memory.get("partials", []).sort(key=lambda c: (-c["strength"], -c["score"], c["key"]))
    memory["partials"] = memory.get("partials", [])[:KEPT]
    return session.save_passing(memory)


def _candidate_result(stored: Mapping[str, Any]) -> CandidateResult:
    return CandidateResult(
        stored["key"],
        stored["verdict"],
        stored["goal_passed"],
        stored["test"],
        exception=stored["exception"],
        line=stored["line"],
    )


def _results(standing: Memory | None, found: Baseline) -> dict[str, TestResult]:
    if standing:
        return {r["id"]: result_from_json(r) for r in standing["failures"]}
    return found.results


def stand_on(session: Session, memory: Memory, key: str) -> Ref:
    """Make the partial success `key` what the search stands on; its change set. The tests are yet to be run on it."""
    partial = next(c for c in memory["partials"] if c["key"] == key)
    edits = [*partial.get("edits", ()), edit_in_words(session, partial)]
    ref = session.save_changes(changed(session, partial))
    memory["standing"] = {"ref": ref, "edits": edits, "key": key, "kept": False, "suspects": [], "failures": []}
    return ref


def stand_on_best(session: Session, memory: Memory, best: Ref) -> bool:
    """Make the best change set what the search stands on, where it is not the search's own; whether the tests are yet
    to be run on it."""
    kept: Memory = memory.get("kept") or {}
    if kept.get("ref") == best:
        memory["standing"] = kept
        return False
    edits = edits_by_file(session, best)
    memory["standing"] = {"ref": best, "edits": edits, "key": best, "kept": False, "suspects": [], "failures": []}
    return True


def is_stood_on(session: Session, state: State) -> bool:
    """Whether the change under test is a first edit on which a second is to be looked for."""
    memory: Memory = session.load(state["memory"]) or {}
    standing: Memory = memory.get("standing") or {}
    return standing.get("ref") == state["change"] and not standing["failures"]


def look_around(session: Session, state: State, found: Baseline, outcome: Mapping[str, Any], *, better: bool) -> Ref:
    """The run's memory with what the tests did on the standing change: new failures, and so new suspects."""
    memory: Memory = session.load(state["memory"]) or {}
    standing = memory["standing"]
    coverage = outcome["coverage"]
    goal = set(state["goal_tests"])
    now = [
        TestResult(**{**vars(result_from_json(r)), "coverage": _lines(coverage.get(r["id"], {}))})
        for r in outcome["results"]
        if r["id"] in goal
    ]
    passing = [r for r in found.localizable() if r.passed]
    changes = session.load_changes(standing["ref"])

    def read(path: str) -> bytes:
        return changes.get(path) or session.base.read(path)

    suspects = localize([*now, *passing], state["goal_tests"], session.is_source, read)
    standing["suspects"] = [asdict(s) for s in suspects]
    standing["failures"] = [result_to_json(r) for r in now]
    standing["kept"] = better
    if better:  # the search goes on from here, and what it learns from now on is about this
        memory["kept"], memory["partials"] = standing, []
    return session.save_passing(memory)


def _lines(coverage: Mapping[str, Sequence[int]]) -> dict[str, frozenset[int]]:
    return {path: frozenset(lines) for path, lines in coverage.items()}


def step_back(session: Session, state: State) -> Ref:
    """The run's memory, back on the best there is."""
    memory: Memory = session.load(state["memory"]) or {}
    memory["standing"] = memory.get("kept")
    return session.save_passing(memory)
