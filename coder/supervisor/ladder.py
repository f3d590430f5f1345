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


NEEDS = (0.7, 0.65, 0.6, 0.55, 0.5)
"""The evidence (confidences of drifting steps, added up) that each rung down takes, the first for a nudge."""


@dataclass(frozen=True)
class Intervention:
    """A step down the ladder, and why."""

    rung: Rung
    reason: str


@dataclass
class Ladder:
    """Where a run stands. `evidence` is what has come together since the last intervention or recovery."""

    rung: Rung = Rung.NONE
    evidence: float = 0.0

    def take(self, label: Label) -> Intervention | None:
        """Take a step's label in; what is to be done now, None if nothing is."""
        if not label.drifts:
            self.evidence = 0.0
            self.rung = Rung(max(0, self.rung - 1))
            return None
        self.evidence += label.confidence
        if self.rung >= Rung.STOP or self.evidence < NEEDS[self.rung]:
            return None
        self.rung = Rung(self.rung + 1)
        self.evidence = 0.0
        return Intervention(self.rung, f"{label.name}: {label.reason}")

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "rung": int(self.rung)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Ladder:
        return cls(Rung(data["rung"]), data["evidence"])
