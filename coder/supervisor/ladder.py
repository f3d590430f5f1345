"""The ladder: the answer to drift is in proportion, each rung down needs less evidence, each recovery climbs back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

from coder.supervisor.labels import Label


class Rung(IntEnum):
    """What is done about drift, mildest first."""

    NONE = 0
    NUDGE = 1
    CONSTRAIN = 2
    ROLL_BACK = 3
    SWITCH = 4
    STOP = 5

    @property
    def word(self) -> str:
        return ("none", "nudge", "constrain", "roll back", "switch policy", "stop")[self]


STAIRS = (
    (Rung.NUDGE, 0.7),
    (Rung.NUDGE, 0.66),
    (Rung.CONSTRAIN, 0.62),
    (Rung.CONSTRAIN, 0.58),
    (Rung.ROLL_BACK, 0.54),
    (Rung.ROLL_BACK, 0.5),
    (Rung.SWITCH, 0.46),
    (Rung.STOP, 0.42),
)
"""Each step down, and the evidence it takes: confidences of drifting steps, added up. What is mild is tried twice."""


@dataclass(frozen=True)
class Intervention:
    """A step down the ladder, and why."""

    rung: Rung
    reason: str


@dataclass
class Ladder:
    """Where a run stands. `evidence` is what has come together since the last intervention or recovery."""

    depth: int = 0  # steps down
    evidence: float = 0.0

    @property
    def rung(self) -> Rung:
        """The rung that holds now."""
        return STAIRS[self.depth - 1][0] if self.depth else Rung.NONE

    def take(self, label: Label) -> Intervention | None:
        """Take a step's label in; what is to be done now, None if nothing is."""
        if not label.drifts:
            self.evidence = 0.0
            self.depth = max(0, self.depth - 1)
            return None
        self.evidence += label.confidence
        if self.depth == len(STAIRS) or self.evidence < STAIRS[self.depth][1]:
            return None
        self.depth += 1
        self.evidence = 0.0
        return Intervention(self.rung, f"{label.name}: {label.reason}")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Ladder:
        return cls(data["depth"], data["evidence"])
