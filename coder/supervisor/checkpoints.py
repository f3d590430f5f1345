"""Checkpoints: every tested state of the worktree is a commit on a private ref of the run's own repository, ranked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from coder.session import Session
from coder.state import Ref, State
from coder_tools.shape import shape

REFS = "refs/coder/tested"


def keep(session: Session, state: State, update: State) -> None:
    """Commit the state that was just tested, and take it as the best if it ranks above the best so far."""
    if state["last"] != "analyze" or not state["change"] or state["change"] in state["tested"]:
        return
    found = session.load(state["outcome"])
    if not found or found.get("kind") != "change":
        return
    changes = session.load_changes(state["change"])
    goal = set(state["goal_tests"])
    passed = sum(r["id"] in goal and r["outcome"] in ("passed", "xpassed") for r in found["results"])
    broken, size = len(state["regressed"]), sum(len(data or b"") for data in changes.values())
    commit = session.base.keep(changes, f"{REFS}/{len(state['tested']) + 1}")
    entry = [passed, broken, size, shape(changes), state["finding"]]
    update["tested"] = {**state["tested"], state["change"]: entry}
    data = {"commit": commit, "goal_passed": passed, "regressed": broken, "bytes": size}
    session.live.tell(session.rundir, "checkpoint", {**data, "step": state["counts"]["steps"]})
    if not broken and passed and rank(entry) > rank(state["tested"].get(state["best"], _NOTHING)):
        update["best"], update["best_passed"] = state["change"], passed


def keep_again(session: Session, state: State) -> None:
    """Commit the tested states whose commits are gone: git did not wait for the disk with them."""
    there = set(session.base.store.text("for-each-ref", "--format=%(refname)", REFS).split())
    for number, ref in enumerate(state["tested"], 1):
        if f"{REFS}/{number}" not in there:
            session.base.keep(session.load_changes(ref), f"{REFS}/{number}")


_NOTHING: list[Any] = [0, 0, 0, "", ""]


def best_of(tested: Mapping[Ref, list[Any]], without: Collection[Ref]) -> tuple[Ref, int]:
    """The best of the tested states but for some, and how many goal tests pass with it: the base where none is good."""
    good = {ref: entry for ref, entry in tested.items() if ref not in without and entry[0] and not entry[1]}
    best = max(good, key=lambda ref: rank(good[ref]), default="")
    return best, good[best][0] if best else 0


def rank(entry: list[Any]) -> tuple[int, int, int]:
    """How good a tested state is: goal tests that pass, then tests that it does not break, then how small it is."""
    passed, broken, size = entry[:3]
    return passed, -broken, -size


def finding_of(state: State, ref: Ref) -> Ref:
    """What the tests said of a state; "" where none have run on it, as on the base."""
    entry = state["tested"].get(ref)
    return str(entry[4]) if entry else ""


def tried(session: Session, state: State, ref: Ref) -> tuple[Ref, list[Any]] | None:
    """The tested state that comes to the same syntax trees as a change set; None if it is new."""
    wanted = shape(session.load_changes(ref))
    return next(((known, entry) for known, entry in state["tested"].items() if entry[3] == wanted), None)
