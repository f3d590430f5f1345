"""What a run's result says of its patch besides the patch: in words, with warnings, and with what else would pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from coder.nodes.baseline import failures
from coder.nodes.judge import input_from_json, made_for_the_test, others
from coder.nodes.view import load_baseline
from coder.record.result import Alternative, Difference, alternative_file
from coder.repair.choose import apart
from coder.repair.explain import Edit, Verified, explain
from coder.repair.suggest import behaves, call, suggest
from coder.session import Session
from coder.state import Ref, State
from coder_tools.contract import Input
from coder_tools.logs import finding

DIFFERENCES = 3  # inputs shown for one alternative


@dataclass
class Account:
    """Goes into the result as it is."""

    explanation: str = ""
    warnings: list[str] = field(default_factory=list)
    alternatives: list[Alternative] = field(default_factory=list)


def account(session: Session, state: State) -> Account:
    """For a run that is fixed. The change sets of its alternatives are kept in the run's directory."""
    choice = session.load(state["choice"]) or {"entries": [], "inputs": [], "why_not": ""}
    own = next((entry for entry in choice["entries"] if entry["ref"] == state["change"]), None)
    found = Account(_explanation(session, state, own))
    if own is None:
        made_for = made_for_the_test(session, session.load_changes(state["change"]), state["goal_tests"])
        found.warnings = [f"this patch may be made for the test: {words}" for words in made_for]
        return found
    found.warnings += [f"this patch may be made for the test: {words}" for words in own["warnings"]]
    rivals = sum(entry["ref"] not in state["failed"] for entry in choice["entries"]) - 1
    if rivals and choice["why_not"]:
        found.warnings.append(
            f"{rivals} other patches pass the goal too; they were not compared with this one: {choice['why_not']}"
        )
    inputs = [input_from_json(given) for given in choice["inputs"]]
    for entry in others(session, state, state["change"]):
        verdict = session.load(state["verdicts"].get(entry["ref"], ""))
        if verdict and (verdict["regressed"] or verdict["goal_failed"] or verdict["meddled"]):
            continue
        number = len(found.alternatives) + 1
        verified = verdict is not None and not verdict["unfinished"]
        found.alternatives.append(_alternative(session, state, number, own, entry, inputs, verified=verified))
    return found


def _explanation(session: Session, state: State, own: dict[str, Any] | None) -> str:
    failure = finding(failures(load_baseline(session, state), state["goal_tests"]), state["goal_tests"])
    edits = [Edit(**edit) for edit in own["edits"]] if own else _by_file(session, state["change"])
    verdict = session.load(state["verification"])
    shown = Verified(verdict["goal_passed"], verdict["still_passing"], verdict["scope"], verdict["not_run"])
    return explain(state["goal_tests"], failure, edits, shown)


def _by_file(session: Session, change: Ref) -> list[Edit]:
    return [Edit(path, 0, "", "") for path in sorted(session.load_changes(change))]


def _alternative(
    session: Session,
    state: State,
    number: int,
    own: dict[str, Any],
    entry: dict[str, Any],
    inputs: Sequence[Input],
    *,
    verified: bool,
) -> Alternative:
    changes = session.load_changes(entry["ref"])
    session.rundir.save_changes(changes, alternative_file(number))
    telling = apart(inputs, own["key"], entry["key"])
    tests = (
        suggest(given, given.did[own["key"]], given.did[entry["key"]], number, unittest=_is_unittest(session, state))
        for given in telling
    )
    return Alternative(
        number=number,
        note="; ".join(edit["note"] or f"more in {edit['path']}" for edit in entry["edits"]),
        patch=session.base.diff(changes),
        files=sorted(changes),
        verified=verified,
        warnings=list(entry["warnings"]),
        differences=[
            Difference(call(given), behaves(given.did[own["key"]]), behaves(given.did[entry["key"]]))
            for given in telling[:DIFFERENCES]
        ],
        test=next(filter(None, tests), ""),
    )


def _is_unittest(session: Session, state: State) -> bool:
    """Whether the goal's own file is written with unittest."""
    goal = state["goal_tests"][0]
    if "::" not in goal:
        return True
    try:
        return b"unittest" in session.base.read(goal.split("::")[0]) and goal.count("::") > 1
    except KeyError:
        return False
