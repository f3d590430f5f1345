"""The words of the repair engine: a suspicious place, and a candidate edit."""

from __future__ import annotations

from dataclasses import dataclass

from coder_tools.contract import Splice


@dataclass(frozen=True)
class Suspect:
    """A line that may hold the fault. `score` is 0 to 1, `reasons` are plain words for the reader."""

    path: str
    line: int
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """One single-edit alternative to the base. `key` is a stable hash of what it changes, `note` plain words."""

    key: str
    splice: Splice
    kind: str
    line: int
    score: float
    note: str
    patience: float = 1.0  # how many times the usual time it gets
