"""The words of the repair engine: a suspicious place, and a candidate edit."""

from __future__ import annotations

from dataclasses import dataclass

from coder_tools.contract import Splice

MODEL = "model"  # the kind of a candidate that a model wrote


@dataclass(frozen=True)
class Suspect:
    """A line that may hold the fault. `score` is 0 to 1, `reasons` are plain words for the reader."""

    path: str
    line: int
    score: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """One alternative to the base. `key` is a stable hash of what it changes, `note` plain words.

    The engine's own are single edits; one that a model made may have `more` of them, in several files.
    """

    key: str
    splice: Splice
    kind: str
    line: int
    score: float
    note: str
    patience: float = 1.0  # how many times the usual time it gets
    more: tuple[Splice, ...] = ()
