"""What is known of a repository beyond its files: their earlier contents, what variables held, what is installed."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from coder.repair.source import Module, Unreadable, decode
from coder_tools.contract import Observed
from coder_tools.splice import differences


@dataclass(frozen=True)
class Hunk:
    """Characters [start, end) of a file, whole lines, that had the text `old` some versions ago (1: the last)."""

    start: int
    end: int
    old: str
    age: int


@dataclass(frozen=True)
class World:
    """Material for edits that no file of the base holds."""

    earlier: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)  # path -> earlier contents, newest first
    observed: Observed = field(default_factory=Observed)
    library: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # installed module -> its names
    homes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> installed modules that have it
    mentioned: frozenset[str] = frozenset()  # names of the project that a model has named; not kept with the rest

    def to_json(self) -> dict[str, Any]:
        lines = [[*place, {n: sorted(k) for n, k in own.items()}] for place, own in self.observed.lines.items()]
        return {
            "earlier": {path: [b64encode(one).decode() for one in all_] for path, all_ in self.earlier.items()},
            "lines": lines,
            "members": {kind: sorted(names) for kind, names in self.observed.members.items()},
            "library": {module: list(names) for module, names in self.library.items()},
            "homes": {name: list(modules) for name, modules in self.homes.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> World:
        lines = {(path, line): {n: frozenset(k) for n, k in own.items()} for path, line, own in data["lines"]}
        members = {kind: frozenset(names) for kind, names in data["members"].items()}
        earlier = {path: tuple(map(b64decode, contents)) for path, contents in data["earlier"].items()}
        library, homes = ({key: tuple(own) for key, own in data[part].items()} for part in ("library", "homes"))
        return cls(earlier, Observed(lines, members), library, homes)

    def hunks(self, module: Module) -> list[Hunk]:
        """Where the file differs from what it was, the latest change first."""
        found: dict[tuple[int, int, str], Hunk] = {}
        for age, content in enumerate(self.earlier.get(module.path, ()), 1):
            try:
                _, _, then = decode(content)
            except Unreadable:
                continue
            for key in _differences(module.text, then):
                found.setdefault(key, Hunk(*key, age))
        return sorted(found.values(), key=lambda hunk: (hunk.age, hunk.start))

    def changed(self, module: Module) -> dict[int, float]:
        """The lines that recent changes touched, or took lines away before: 1 for the last change, less before."""
        lines: dict[int, float] = {}
        for hunk in self.hunks(module):
            first, last = module.line_of(hunk.start), module.line_of(max(hunk.start, hunk.end - 1))
            for line in range(first, last + 1):
                lines[line] = max(lines.get(line, 0.0), 1 / hunk.age)
        return lines


@lru_cache(maxsize=64)  # asked for the ranking of the lines, and again whenever candidates are made
def _differences(now: str, then: str) -> tuple[tuple[int, int, str], ...]:
    return tuple(differences(now, then))


NOTHING = World()
