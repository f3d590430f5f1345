"""A patch on its way into the user's repository, and back out of it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from coder.errors import CoderError, UsageError
from coder.record.result import Result, alternative_file
from coder.record.store import RunDir, RunStore


def find_run(store: RunStore, name: str, repo: Path) -> RunDir:
    """The run named, or the newest of the repository where none is named. UsageError if there is none."""
    return store.open(name) if name else store.newest(repo.resolve())


def land(
    run: RunDir, goes: Literal["apply", "commit", "branch"], branch: str = "", alternative: int | None = None
) -> str:
    """Put the verified patch of a run, or a verified alternative to it, where it should go; say where it is now.

    UsageError if the run has no such verified patch; CoderError if the repository is no longer as it was.
    """
    from coder_sandbox import apply
    from coder_sandbox.snapshot import Base

    result = run.result()
    changes = run.changes() if alternative is None else run.changes(_alternative(run, result, alternative))
    if result is None or result.status != "fixed" or not changes:
        raise UsageError(f"run {run.id} has no verified patch to apply (`coder show {run.id}` tells why)")
    with _in_words():
        base = Base.open(run.path)
        undo = f"take it back with: coder undo {run.id}"
        if goes == "commit":
            return f"committed {apply.commit(base, changes, _message(run, result))[:12]}; {undo}"
        if goes == "branch":
            commit = apply.branch(base, changes, branch, _message(run, result))
            return f"branch {branch} is at {commit[:12]}, your working tree is as it was; {undo}"
        done = "applied to" if apply.apply(base, changes) else "applied before to"
        return f"{done} {', '.join(sorted(changes))}; {undo}"


def refuse_impossible(repo: Path, branch: str) -> None:
    """UsageError where a patch could not be committed: on a new branch, or on the current one for ""."""
    from coder_sandbox.commit import refuse_impossible
    from coder_sandbox.snapshot import SnapshotError

    try:
        refuse_impossible(repo, branch)
    except SnapshotError as error:
        raise UsageError(f"--{'branch' if branch else 'commit'}: {error}") from error


def take_back(run: RunDir) -> list[str]:
    """Undo what was applied; the files put back. CoderError if they have changed since."""
    from coder_sandbox import apply

    with _in_words():
        files: list[str] = apply.undo(run.path)
    return files


@contextmanager
def _in_words() -> Iterator[None]:
    """The sandbox room's own faults as coder's."""
    from coder_sandbox.apply import TreeMoved
    from coder_sandbox.snapshot import SnapshotError

    try:
        yield
    except (TreeMoved, SnapshotError) as error:
        raise CoderError(str(error)) from error
    except OSError as error:
        raise CoderError(f"{error.strerror or error}: {error.filename or 'the repository'}") from error


def _alternative(run: RunDir, result: Result | None, number: int) -> str:
    """The name of an alternative's change set. UsageError if there is none of that number, or it is not verified."""
    offered = {a.number: a for a in result.alternatives} if result is not None else {}
    if number not in offered:
        there = f"it has {len(offered)}" if offered else "it has none"
        raise UsageError(f"run {run.id} has no alternative {number}: {there} (`coder show {run.id} --alternatives`)")
    if not offered[number].verified:
        raise UsageError(
            f"alternative {number} of run {run.id} was not verified in a clean room, so it is not applied; "
            f"`coder show {run.id} --alternatives` prints its patch"
        )
    return alternative_file(number)


def _message(run: RunDir, result: Result) -> str:
    """The commit message: what was wrong and what the change does, the tests it makes pass, and the run."""
    goal = result.goal_tests
    first = goal[0].rpartition("::")[2] if goal else "the failing tests"
    rest = f" and {len(goal) - 1} more" if len(goal) > 1 else ""
    tests = "".join(f"\n- {test}" for test in goal[:20])
    body = "\n".join(textwrap.wrap(result.explanation, 72, break_long_words=False, break_on_hyphens=False))
    why = f"{body}\n\n" if body else ""
    return f"Fix {first}{rest}\n\n{why}Verified by coder in run {run.id}. Tests that pass with it:\n{tests}\n"
