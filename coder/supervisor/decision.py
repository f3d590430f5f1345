"""A decision of the supervisor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Decision:
    """What is next and why, in words for the record."""

    next: str
    reason: str
    demanded: bool = False  # not what was proposed: the supervisor asks for it
