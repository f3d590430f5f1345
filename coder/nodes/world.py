"""What is gathered once about a repository beyond its files, for those files that are suspected most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coder.repair.contract import Suspect
from coder.repair.source import Module, Unreadable
from coder.repair.world import World
from coder.session import Session
from coder_sandbox.history import earlier_versions
from coder_tools.contract import Observed
from coder_tools.testing import Suite, TestRunFailed

FILES = 5  # the most suspicious ones
LINES = 150  # the most suspicious ones: a trace of more would take longer than it saves
TESTS = 5  # of the goal
OBSERVATION, SHARE = 10.0, 0.05  # seconds, and share of the time that is left


def gather(session: Session, suspects: Sequence[Suspect], goal: Sequence[str]) -> World:
    """Earlier contents of the most suspicious files, and what variables hold on the most suspicious lines."""
    paths = list(dict.fromkeys(suspect.path for suspect in suspects))[:FILES]
    earlier = {path: found for path in paths if (found := earlier_versions(session.base, path))}
    return World(earlier, _observed(session, suspects, goal))


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
        yield Module(path, session.base.read(path))
    except Unreadable:
        return
