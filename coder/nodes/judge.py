"""Judging the candidates that pass: their order, what they differ in, and which of them a user should see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from coder.nodes.facts import test_file
from coder.repair.choose import Choice, Plausible, apart, choose, written_in
from coder.repair.contract import MODEL
from coder.repair.patch import Patch, example_literals, new_questions, one_line_change, read_patch, test_literals
from coder.session import Session
from coder.state import Ref, State
from coder_tools.contract import Behaviour, Changes, Compared, Input, Splice
from coder_tools.doctests import is_doctest
from coder_tools.splice import spliced

SHOWN = 3  # alternatives a user is offered


def judged(session: Session, state: State, candidates: Sequence[dict[str, Any]], compared: dict[str, Any]) -> Ref:
    """The blob of a choice: `entries`, the one to be trusted most first, and the `inputs` that tell them apart."""
    inputs = tuple(input_from_json(given) for given in compared["inputs"])
    side_by_side = Compared(inputs, compared["unreached"], compared["why_not"])
    by_key = {c["key"]: c for c in candidates}
    changes = {key: changed(session, c) for key, c in by_key.items()}
    plausible = [Plausible(key, c["score"], _patch(session, c, changes[key])) for key, c in by_key.items()]
    chosen = choose(plausible, side_by_side, _test_values(session, state["goal_tests"]))
    entries = [
        {
            "ref": session.save_changes(changes[choice.key]),
            "key": choice.key,
            "edits": [*by_key[choice.key].get("edits", ()), edit_in_words(session, by_key[choice.key])],
            "group": choice.group,
            "warnings": _warnings(session, state, choice, changes[choice.key], by_key[choice.key]["kind"]),
        }
        for choice in chosen
    ]
    telling = [given for given in inputs if len({(did.kind, did.mark) for key, did in given.did.items() if key}) > 1]
    return session.save(
        {"entries": entries, "inputs": [asdict(given) for given in telling], "why_not": compared["why_not"]}
    )


def _warnings(session: Session, state: State, choice: Choice, changes: Changes, kind: str) -> list[str]:
    """What is held against a candidate; of a model's edit also what the engine's own never do."""
    made_for = made_for_the_test(session, changes, state["goal_tests"]) if kind == MODEL else []
    return list(dict.fromkeys([*choice.warnings, *made_for]))


def splices_of(candidate: dict[str, Any]) -> list[Splice]:
    """Its edits, as they were stored."""
    return [Splice(**splice) for splice in (candidate["splice"], *candidate.get("more", ()))]


def changed(session: Session, candidate: dict[str, Any]) -> Changes:
    """The change set a candidate comes to: its own edits, on what it stands on."""
    standing = session.load_changes(candidate.get("standing", ""))
    splices = splices_of(candidate)
    own = {splice.path: [s for s in splices if s.path == splice.path] for splice in splices}
    return {**standing, **{path: spliced(_before(session, candidate, path), edits) for path, edits in own.items()}}


def _before(session: Session, candidate: dict[str, Any], path: str) -> bytes:
    """A file without the candidate."""
    return session.load_changes(candidate.get("standing", "")).get(path) or session.base.read(path)


def _patch(session: Session, candidate: dict[str, Any], changes: Changes) -> Patch:
    """Of the candidate's first file; what is new counts in all of them."""
    paths = {splice.path: None for splice in splices_of(candidate)}
    patches = [read_patch(session.base.read(p), changes[p] or b"", candidate["line"]) for p in paths]
    return Patch(
        patches[0].function,
        any(patch.removes for patch in patches),
        frozenset().union(*(patch.literals for patch in patches)),
        any(patch.asks for patch in patches),
    )


def edit_in_words(session: Session, candidate: dict[str, Any]) -> dict[str, Any]:
    """One edit for the explanation: of one line that becomes another the whole of both, else the engine's words."""
    splice, *more = splices_of(candidate)
    before = _before(session, candidate, splice.path)
    lines = None if more else one_line_change(before, spliced(before, [splice]))
    note = f"`{lines[0]}` becomes `{lines[1]}`" if lines else candidate["note"]
    function = read_patch(before, before, candidate["line"]).function
    return {"path": splice.path, "line": candidate["line"], "function": function, "note": note}


def edits_by_file(session: Session, ref: Ref) -> list[dict[str, Any]]:
    """A change set for the explanation, where no more is known of it than its files."""
    return [{"path": path, "line": 0, "function": "", "note": ""} for path in sorted(session.load_changes(ref))]


def _test_values(session: Session, goal: Sequence[str]) -> frozenset[str]:
    """The values that the goal tests write down."""
    names: dict[tuple[str, bool], list[str]] = {}
    for test_id in goal:
        name = test_id.partition("[")[0].replace("::", ".").rpartition(".")[2]
        place = test_file(test_id, session.base.files), is_doctest(test_id, session.base.read)
        names.setdefault(place, []).append(name)
    return frozenset(
        value
        for (path, is_example), own in names.items()
        if path
        for value in (example_literals if is_example else test_literals)(session.base.read(path), own)
    )


def made_for_the_test(session: Session, changes: Changes, goal: Sequence[str]) -> list[str]:
    """Why a change set that was not chosen from candidates looks as if it were made for the goal's own values."""
    values = _test_values(session, goal)
    new: set[str] = set()
    questions: list[str] = []
    for path, after in changes.items():
        if after is not None and path.endswith(".py"):
            before = session.base.read(path) if path in session.base.files else b""
            new |= read_patch(before, after, 1).literals
            questions += new_questions(before, after, values)
    asked = f"it asks whether it is given a value of the failing test: `{questions[0][:80]}`" if questions else ""
    return [*written_in(frozenset(new), values), *filter(None, [asked])]


def input_from_json(data: dict[str, Any]) -> Input:
    """The inverse of `asdict` of an input."""
    return Input(**{**data, "did": {key: Behaviour(**did) for key, did in data["did"].items()}})


def others(session: Session, state: State, chosen: Ref) -> list[dict[str, Any]]:
    """The entries that do something else than the chosen change set on some input, the best of each kind.

    None that the clean room has refuted, nor any at all if the change set was not chosen from candidates.
    """
    choice = session.load(state["choice"])
    if not choice:
        return []
    own = next((entry for entry in choice["entries"] if entry["ref"] == chosen), None)
    if own is None:
        return []
    inputs = [input_from_json(given) for given in choice["inputs"]]
    found: dict[int, dict[str, Any]] = {}
    for entry in choice["entries"]:
        if entry["ref"] in state["failed"] or entry["group"] == own["group"]:
            continue
        if apart(inputs, own["key"], entry["key"]):
            found.setdefault(entry["group"], entry)
    return list(found.values())[:SHOWN]
