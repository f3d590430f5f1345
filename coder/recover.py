"""Going on without the checkpoints: those of an older coder mean something else, and damaged ones nothing.

What the run was asked, what it has spent, what was tested and what is known stand in its own record, in a plain form
that every later coder reads. The run begins again at the baseline, with all of that.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from langgraph.checkpoint.base import BaseCheckpointSaver

from coder.nodes import THINK
from coder.record.events import Event
from coder.record.store import RunDir
from coder.session import Session
from coder.state import MODEL_COUNTS, State, fresh
from coder.supervisor.checkpoints import best_of, keep_again
from coder.supervisor.ladder import Rung
from coder_sandbox.snapshot import SnapshotError
from coder_tools.contract import Changes
from coder_tools.shape import shape

DATABASES = ("checkpoints.sqlite", "blobs.sqlite")


def put_aside(rundir: RunDir) -> list[str]:
    """Move the databases of a run that cannot be read out of the way; their names."""
    damaged = [name for name in DATABASES if (rundir.path / name).exists() and not _is_sound(rundir, name)]
    for name in damaged:
        for path in rundir.path.glob(f"{name}*"):
            path.rename(path.with_name(f"damaged-{path.name}"))
    return damaged


def _is_sound(rundir: RunDir, name: str) -> bool:
    try:
        with closing(sqlite3.connect(rundir.path / name)) as database:
            return bool(database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def resumable(session: Session, saver: BaseCheckpointSaver[Any], known: State) -> State | None:
    """What the graph goes on with: nothing but its own checkpoint where that and the bulk it names are there."""
    if known and (not known.get("baseline") or session.load(known["baseline"])):
        keep_again(session, State(**{**fresh(), **known}))
        return None
    saver.delete_thread(session.rundir.id)
    return recovered(session)


def recovered(session: Session) -> State:
    """The state that a run has by its record alone: a fresh one if nothing of it has ended but the baseline."""
    state = fresh()
    events = _finished(list(session.rundir.events()))
    _account(session, state, events)
    if state["counts"]["steps"] <= 1:  # the step that was lost is the one that is done again, and counts once
        return fresh()
    _interventions(state, events)
    _tested(session, state, events)
    best = {"steps": state["counts"]["steps"], "tested": len(state["tested"]), "goal_passed": state["best_passed"]}
    session.emit("record", "recovered", best)
    return state


def _finished(events: Sequence[Event]) -> Sequence[Event]:
    """The events up to the end of the last step that ended, with what the supervisor did after it."""
    begun = [at for at, event in enumerate(events) if event.kind == "begin"]
    if not begun:
        return ()
    after = events[begun[-1] :]
    ended = any(_is(event, "run", "tick") for event in after)
    return events if ended else events[: begun[-1]]


def _is(event: Event, node: str, kind: str) -> bool:
    return (event.node, event.kind) == (node, kind)


def _account(session: Session, state: State, events: Sequence[Event]) -> None:
    """What has been spent. A step that was done twice, because of a kill, counts once."""
    counts = state["counts"]
    begun: tuple[str, int, str] | None = None  # the step under way: node, number, time
    tokens_left = session.request.tokens
    prompts: dict[int, Event] = {}
    spent: dict[str, int] = {}
    for event in events:
        data = event.data
        if event.kind == "begin":
            begun = event.node, int(data.get("step", 0)), event.at
        elif event.kind == "prompt":
            prompts[int(data.get("step", 0))] = event
        elif _is(event, "test", "candidates"):
            counts["candidates"] = max(counts["candidates"], int(data.get("total", 0)))
        elif _is(event, "run", "tick") and begun:
            node, number, at = begun
            if number > counts["steps"]:
                counts["steps"] = number
                counts["think_steps" if node in THINK else "act_steps"] += 1
                state["test_runs"] += node == "test"
            state["seconds"][node] = round(state["seconds"].get(node, 0.0) + _seconds(at, event.at), 3)
            tokens_left = min(tokens_left, int(data.get("budget", {}).get("tokens_left", tokens_left)))
            spent = data.get("spent", spent)
    if spent:  # calls that failed have no prompt on the record, and a resumed run may have got larger budgets
        counts.update({name: int(spent[name]) for name in MODEL_COUNTS})
        return
    for name, usual in (("prompt_tokens", 0), ("completion_tokens", 0), ("model_calls", 1)):
        counts[name] = sum(int(event.data.get(name, usual)) for event in prompts.values())
    told = counts["prompt_tokens"] + counts["completion_tokens"]  # an older record has the sum alone
    counts["prompt_tokens"] += max(0, session.request.tokens - tokens_left - told)


def _interventions(state: State, events: Iterable[Event]) -> None:
    """What the supervisor made of the steps, and what it did."""
    counts, drift = state["counts"], state["drift"]
    labels: dict[int, str] = {}
    for event in events:
        if event.node != "supervisor":
            continue
        if event.kind == "rollback":
            counts["rollbacks"] += 1
        elif event.kind == "intervention":
            drift["interventions"] += 1
            state["switched"] |= event.data.get("rung") == Rung.SWITCH.word
        elif event.kind == "decision":
            labels[event.data.get("step", event.seq)] = str(event.data.get("label"))
    for label in labels.values():
        if label in drift:
            drift[label] += 1


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _tested(session: Session, state: State, events: Iterable[Event]) -> None:
    """The states that were tested, from their commits, and the best of them to go on from."""
    given_up = {event.data.get("change") for event in events if _is(event, "supervisor", "rollback")}
    for event in events:
        if not _is(event, "supervisor", "checkpoint"):
            continue
        changes = _kept(session, str(event.data.get("commit", "")))
        if not changes:
            continue
        ref, broken = session.save_changes(changes), int(event.data.get("regressed", 0))
        size = sum(len(data or b"") for data in changes.values())
        state["tested"][ref] = [int(event.data.get("goal_passed", 0)), broken, size, shape(changes), ""]
        if broken or ref in given_up:
            state["failed"] = list(dict.fromkeys([*state["failed"], ref]))
    state["best"], state["best_passed"] = best_of(state["tested"], without=state["failed"])
    state["change"] = state["best"]


def _kept(session: Session, commit: str) -> Changes:
    """The changes of a tested state; none if its commit did not last, or the record names none."""
    if not re.fullmatch("[0-9a-f]{40}", commit):
        return {}
    try:
        return session.allowed(session.base.checked(session.base.kept(commit)))
    except (SnapshotError, KeyError, ValueError):
        return {}
