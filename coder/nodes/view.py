"""What a policy gets to see in one step, put together from the state and the run's blobs."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from typing import Any

from coder.models.images import data_url
from coder.nodes.baseline import failures
from coder.nodes.facts import Baseline, result_from_json
from coder.nodes.map import map_of
from coder.policies.contract import Edit, Left, Plan, Spent, View
from coder.repair.contract import Candidate, Suspect
from coder.repair.world import NOTHING, World
from coder.session import Session
from coder.state import Ref, State
from coder_tools.contract import Splice
from coder_tools.logs import Finding
from coder_tools.workspace import Workspace

SHOWN_REFUSED = 5  # failed diffs a policy is reminded of


def load_baseline(session: Session, state: State) -> Baseline:
    """The baseline of the run, with the test files it protects."""
    return _baseline(session, state["baseline"])


@lru_cache(maxsize=1)
def _baseline(session: Session, ref: Ref) -> Baseline:
    found = Baseline.from_json(session.load(ref))
    session.learn_test_files([*found.order])
    return found


def view_of(session: Session, state: State, memory: dict[str, Any]) -> View:
    """The view for the next step of a run that remembers `memory`. Its workspace starts from the change under test."""
    found = load_baseline(session, state)
    left = session.budget.left(state)
    finding = session.load(state["finding"])
    standing = memory.get("standing") or {}
    workspace = Workspace(
        session.base.read,
        session.base.files,
        session.load_changes(standing.get("ref") or state["change"]),
        session.protected,
        session.request.allow_test_edits,
        session.request.allow_config_edits,
        session.base.read_many,
        session.python,
    )
    return View(
        task=session.request.goal or "make the failing tests pass",
        goal=tuple(state["goal_tests"]),
        workspace=workspace,
        left=Left(left["seconds_left"], int(left["steps_left"]), int(left["tokens_left"])),
        memory=memory.setdefault("policy", {}),
        finding=Finding(**finding) if finding else None,
        failures=(
            tuple(r for r in map(result_from_json, standing["failures"]) if not r.passed)
            if standing
            else failures(found, state["goal_tests"])
        ),
        map=map_of(session, workspace.changes, state["goal_tests"], failures(found, state["goal_tests"])),
        suspects=tuple(
            Suspect(s["path"], s["line"], s["score"], tuple(s["reasons"]))
            for s in (standing or memory).get("suspects", ())
        ),
        standing=standing.get("key", ""),
        is_trial=bool(standing) and not standing["kept"],
        partials=tuple((c["key"], c["strength"], _placed(c)) for c in memory.get("partials", ())),
        late=tuple(_candidate(c) for c in memory.get("late", ()) if c["standing"] == standing.get("ref", "")),
        world=World.from_json(session.load(memory["world"])) if memory.get("world") else NOTHING,
        plan=Plan(**memory["plan"]) if memory.get("plan") else None,
        refused=tuple(session.base.diff(session.load_changes(ref)) for ref in state["failed"][-SHOWN_REFUSED:]),
        facts=session.live.watch.known.facts(),
        nudge=memory.get("nudge", ""),
        think=state["think"],
        logs=_logs(session, state),
        language=session.language,
        images=tuple(data_url(file) for file in session.request.pictures),
    )


def _placed(stored: dict[str, Any]) -> str:
    return f"{stored['splice']['path']}:{stored['line']}: {stored['note']}"


def _logs(session: Session, state: State) -> dict[str, str]:
    """What the failing tests of the last run of a change printed; of the baseline before there is one."""
    outcome = session.load(state["outcome"]) or {}
    if outcome.get("kind") == "change":
        return {r["id"]: r["message"] for r in outcome["results"] if r["outcome"] not in ("passed", "xpassed")}
    return {r.id: r.message for r in failures(load_baseline(session, state), state["goal_tests"])}


def record_prompt(session: Session, node: str, state: State, spent: Spent) -> None:
    """Keep what was sent to the model, request by request; the last of a step bears what they cost."""
    step = state["counts"]["steps"] + 1
    for number, sent in enumerate(spent.prompts, start=1):
        last = number == len(spent.prompts)
        names = ("prompt_tokens", "completion_tokens", "model_calls")
        cost = {name: getattr(spent, name) if last else 0 for name in names}
        session.emit(node, "prompt", {"step": step, "request": number, **session.prompts.take(sent), **cost})


def _candidate(stored: dict[str, Any]) -> Candidate:
    known = {f.name: stored[f.name] for f in fields(Candidate) if f.name in stored}
    more = tuple(Splice(**splice) for splice in stored.get("more", ()))
    return Candidate(**{**known, "splice": Splice(**stored["splice"]), "more": more})


def remember_fault(memory: dict[str, Any], made: Plan | Edit) -> None:
    """Keep in the run's memory why its model could not be asked last; a call that was answered ends that."""
    if made.fault or made.spent.model_calls:
        memory["fault"], memory["slow"] = made.fault, made.slow


def charge(state: State, spent: Spent) -> dict[str, int]:
    """The counts with a step's tokens and model calls added."""
    counts = dict(state["counts"])
    counts["prompt_tokens"] += spent.prompt_tokens
    counts["completion_tokens"] += spent.completion_tokens
    counts["model_calls"] += spent.model_calls
    return counts
