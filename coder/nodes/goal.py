"""Resolving what the user asked for to test ids."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coder.errors import CoderError, NothingToFix, UsageError
from coder.task import Request
from coder_sandbox.snapshot import Base
from coder_tools.contract import Collection, TestResult
from coder_tools.goals import GoalError, resolve
from coder_tools.runners import junit

NAMES_A_TEST = re.compile(r"^\s*(fix\s+)?(the\s+)?(failing|broken|red)?\s*tests?\b", re.IGNORECASE)
MANY = 20  # more names than this are counted, not listed
EXCUSED = ("skipped", "xfailed")  # outcomes that say nothing is wrong, nor that all is well


@dataclass(frozen=True)
class Goal:
    """The tests that were asked for, in run order."""

    ids: tuple[str, ...]
    named: frozenset[str] = frozenset()  # those that were asked for one by one
    is_all: bool = False  # nothing was named: it is what fails now

    def must_pass(self, results: Mapping[str, TestResult]) -> list[str]:
        """The tests that have to pass in the end.

        A test that merely lies in the file, class or directory that was named, and is skipped or expected to fail,
        is not among them, unless there is no other; one that was named itself always is.
        """
        excused = {i for i in self.ids if i in results and results[i].outcome in EXCUSED} - self.named
        return [i for i in self.ids if i not in excused] or list(self.ids)


def named_goal(request: Request, collection: Collection, base: Base) -> Goal | None:
    """The tests that are named, None for no goal or prose that names no test.

    Raises UsageError for a name that no test has, or that several unrelated tests have.
    """
    known = [*collection.ids, *_uncollected(collection, base)]
    wanted = [_resolve(name, known) for name in request.tests]
    if request.junit:
        wanted += [[i] for i in _from_junit(Path(request.junit), known)]
    if request.goal and not wanted:
        wanted.append(_from_text(request.goal, known))
    if not any(wanted):
        return None
    named = frozenset(ids[0] for ids in wanted if len(ids) == 1)
    return Goal(tuple(dict.fromkeys(i for ids in wanted for i in ids)), named)


def failing_goal(collection: Collection, results: Mapping[str, TestResult], base: Base) -> Goal:
    """Every test that fails now.

    Raises NothingToFix where none does, CoderError where that is not known, as some have not run.
    """
    failing = [i for i in collection.ids if i in results and not results[i].passed]
    failing = [i for i in failing if results[i].outcome not in EXCUSED] + _uncollected(collection, base)
    not_run = [i for i in collection.ids if i not in results]
    if not failing and not_run:
        ran = f"none of the {len(results):,} tests that ran fails, and {len(not_run):,} did not run"
        raise CoderError(f"{ran}: no time was left, or the suite ended before them; give more with --time, or name one")
    if not failing:
        raise NothingToFix(f"none of the {len(collection.ids):,} collected tests fails")
    return Goal(tuple(dict.fromkeys(failing)), is_all=True)


def _from_text(goal: str, known: Sequence[str]) -> list[str]:
    try:
        return resolve(goal, known)
    except GoalError as error:
        names_one = NAMES_A_TEST.match(goal) or " " not in goal.strip()
        if names_one or error.kind == "ambiguous":
            raise _usage(goal, error) from error
        return []  # prose: a description, not a name


def _resolve(name: str, known: Sequence[str]) -> list[str]:
    try:
        return resolve(name, known)
    except GoalError as error:
        raise _usage(name, error) from error


def _usage(name: str, error: GoalError) -> UsageError:
    listed = "".join(f"\n  {n}" for n in error.names[:MANY])
    more = f"\n  and {len(error.names) - MANY} more" if len(error.names) > MANY else ""
    if error.kind == "ambiguous":
        return UsageError(f"{name!r} matches more than one test; say which:{listed}{more}")
    near = f"; the nearest names:{listed}{more}" if listed else ""
    return UsageError(f"no test matches {name!r}{near}")


def _uncollected(collection: Collection, base: Base) -> list[str]:
    """Ids of the tests in files that cannot be collected, read from their text (parameters are not known)."""
    ids: list[str] = []
    for error in collection.errors:
        ids += error.tests
        if not error.path.endswith(".py"):
            continue
        try:
            tree = ast.parse(base.read(error.path))
        except (KeyError, SyntaxError, ValueError):
            continue
        for node in tree.body:
            ids += _ids_in(node, error.path)
    return ids


def _ids_in(node: ast.stmt, prefix: str) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
        return [f"{prefix}::{node.name}"]
    if isinstance(node, ast.ClassDef):
        return [i for inner in node.body for i in _ids_in(inner, f"{prefix}::{node.name}")]
    return []


def _from_junit(path: Path, known: Sequence[str]) -> list[str]:
    """The failed and errored cases of a JUnit report. UsageError where one of them is not in this repository."""
    try:
        cases = junit.cases(path.read_bytes().decode())  # no other encoding, in which a declaration could hide
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the JUnit report {path}: {error}") from error
    failed = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
    if not failed:
        raise NothingToFix(f"no test fails in the report {path}")
    ids: list[str] = []
    lost: list[str] = []
    for case in failed:
        stem, name = case.get("classname", "").replace(".", "/"), case.get("name", "")
        found = [i for i in known if _matches(i, stem, name)] or _only_one(name, known)
        ids += found
        lost += [] if found else [f"{case.get('classname', '')}.{name}"]
    if lost:
        listed = "".join(f"\n  {name}" for name in lost[:MANY])
        raise UsageError(f"{path}: {len(lost)} of its {len(failed)} failed tests are not in this repository:{listed}")
    return ids


def _only_one(name: str, known: Sequence[str]) -> list[str]:
    """The one test of this name, or whose suites and name together read so, as other languages' reports have it."""
    foreign = (i for i in known if "::" in i and not i.split("::")[0].endswith(".py"))
    found = [i for i in foreign if name in (i.split("::")[-1], " ".join(i.split("::")[1:]))]
    return found if len(found) == 1 else []


def _matches(test_id: str, stem: str, name: str) -> bool:
    head, _, last = test_id.replace("::", "/").replace(".py", "").rpartition("/")
    dotted_head, _, dotted_last = test_id.replace(".", "/").rpartition("/")
    return (last == name and head == stem) or (dotted_last == name and dotted_head == stem)
