"""What is gathered once about a repository beyond its files, for those files that are suspected most."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from coder.repair.contract import Suspect
from coder.repair.source import Module, Unreadable, parsed
from coder.repair.world import World
from coder.session import Session
from coder_sandbox.history import earlier_versions
from coder_tools.contract import Observed, TestResult
from coder_tools.testing import Suite, TestRunFailed

FILES = 5  # the most suspicious ones
LINES = 150  # the most suspicious ones: a trace of more would take longer than it saves
TESTS = 5  # of the goal
WANTED = 20  # names looked for in what is installed
LIBRARY = 20.0  # seconds that this may take
OBSERVATION, SHARE = 10.0, 0.05  # seconds, and share of the time that is left

_NOT_IN_MODULE = re.compile(r"cannot import name '(?P<name>\w+)' from (?:[a-z ]+)?'(?P<module>[\w.]+)'")
_NOT_OF_MODULE = re.compile(r"module '(?P<of>[\w.]+)' has no attribute '(?P<member>\w+)'")
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")
_NO_NAME = re.compile(r"name '(\w+)' is not defined")


def gather(session: Session, suspects: Sequence[Suspect], failing: Sequence[TestResult]) -> World:
    """Earlier contents of the most suspicious files, what variables hold on the most suspicious lines, and where the
    names are that the failures ask for in vain."""
    paths = list(dict.fromkeys(suspect.path for suspect in suspects))[:FILES]
    earlier = {path: found for path in paths if (found := earlier_versions(session.base, path))}
    observed = _observed(session, suspects, [result.id for result in failing])
    wanted = asked_in_vain(failing)
    members, homes = session.suite.library(wanted, LIBRARY) if wanted else ({}, {})
    return World(earlier, observed, members, homes)


def asked_in_vain(failing: Sequence[TestResult]) -> list[tuple[str, str]]:
    """(module or "", name) for each name that a message says is not there."""
    found: dict[tuple[str, str], None] = {}
    for result in failing:
        found.update(((m["module"], m["name"]), None) for m in _NOT_IN_MODULE.finditer(result.message))
        found.update(((m["of"], m["member"]), None) for m in _NOT_OF_MODULE.finditer(result.message))
        found.update((("", m[1].rpartition(".")[2]), None) for m in _NO_MODULE.finditer(result.message))
        found.update((("", m[1]), None) for m in _NO_NAME.finditer(result.message))
    return list(found)[:WANTED]


def _observed(session: Session, suspects: Sequence[Suspect], goal: Sequence[str]) -> Observed:
    """Nothing where the tests cannot be run under observation in the time there is for it."""
    lines: dict[str, list[int]] = {}
    for suspect in suspects[:LINES]:
        lines.setdefault(suspect.path, []).append(suspect.line)
    allowed = min(OBSERVATION, SHARE * session.budget.remaining())
    suite: Suite = session.suite
    try:
        return suite.observe(list(goal[:TESTS]), lines, timeout=allowed, test_timeout=allowed)
    except TestRunFailed:
        return Observed()


def changed_lines(session: Session, world: World) -> dict[tuple[str, int], float]:
    """The lines that recent changes touched, 1 for the latest."""
    modules = {path: module for path in world.earlier for module in _parsed(session, path)}
    return {(path, line): weight for path, module in modules.items() for line, weight in world.changed(module).items()}


def _parsed(session: Session, path: str) -> Iterator[Module]:
    try:
        yield parsed(path, session.base.read(path))
    except Unreadable:
        return
