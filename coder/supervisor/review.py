"""A finished trajectory under the eyes that watch a live run: schema `coder.drift/1`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coder.supervisor.labels import Label
from coder.supervisor.ladder import Intervention
from coder.supervisor.watch import Watch
from coder.trajectories.contract import Step, Trajectory

SCHEMA = "coder.drift/1"


@dataclass(frozen=True)
class Judged:
    """A step, its label, and what the ladder would have done after it."""

    step: Step
    label: Label
    intervention: Intervention | None


@dataclass(frozen=True)
class Review:
    """Every step of a trajectory, judged. The interventions after the first are those of a run that paid no heed."""

    trajectory: Trajectory
    steps: tuple[Judged, ...]
    balance: str

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of the schema."""
        first = next((j for j in self.steps if j.intervention), None)
        return {
            "schema": SCHEMA,
            "steps": [
                {
                    "step_id": j.step.id,
                    "label": j.label.name,
                    "confidence": round(j.label.confidence, 2),
                    "reason": j.label.reason,
                }
                for j in self.steps
            ],
            "first_intervention": None
            if first is None or first.intervention is None
            else {
                "step_id": first.step.id,
                "rung": first.intervention.rung.word,
                "reason": first.intervention.reason,
            },
            "summary": self.summary(),
        }

    def summary(self) -> dict[str, Any]:
        """Counts over the whole run. `per_minute` is None where the record has no times."""
        labels = [j.label.name for j in self.steps]
        gained = sum(j.label.gained for j in self.steps)
        seconds = sum(j.step.seconds for j in self.steps)
        return {
            "format": self.trajectory.format,
            "agent": self.trajectory.agent,
            "steps": len(labels),
            **{name: labels.count(name) for name in ("calibrated", "overthinking", "overacting")},
            "evidence": gained,
            "per_minute": round(60 * gained / seconds, 1) if seconds else None,
            "interventions": sum(j.intervention is not None for j in self.steps),
        }


def review(trajectory: Trajectory) -> Review:
    """Judge every step, in order."""
    watch = Watch()
    judged = tuple(
        Judged(step, seen.label, seen.intervention) for step in trajectory.steps for seen in [watch.see(step)]
    )
    return Review(trajectory, judged, watch.balance.words())
