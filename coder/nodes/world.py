"""What is gathered once about a repository beyond its files, for those files that are suspected most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coder.repair.contract import Suspect
from coder.repair.source import Module, Unreadable
from coder.repair.world import World
from coder.session import Session
from coder_sandbox.history import earlier_versions

FILES = 5  # the most suspicious ones


def gather(session: Session, suspects: Sequence[Suspect]) -> World:
    """Earlier contents of the most suspicious files."""
    paths = list(dict.fromkeys(suspect.path for suspect in suspects))[:FILES]
    return World(earlier={path: found for path in paths if (found := earlier_versions(session.base, path))})


def changed_lines(session: Session, world: World) -> dict[tuple[str, int], float]:
    """The lines that recent changes touched, 1 for the latest."""
    modules = {path: module for path in world.earlier for module in _parsed(session, path)}
    return {(path, line): weight for path, module in modules.items() for line, weight in world.changed(module).items()}


def _parsed(session: Session, path: str) -> Iterator[Module]:
    try:
        yield Module(path, session.base.read(path))
    except Unreadable:
        return
