"""One pair of eyes for live runs and for finished trajectories: K, labels, balance and ladder together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from coder.supervisor.balance import Balance
from coder.supervisor.knowledge import Knowledge
from coder.supervisor.labels import Label, judge
from coder.supervisor.ladder import Intervention, Ladder
from coder.trajectories.contract import Step

STRAIN = 0.1  # what a strained balance adds to the confidence of overthinking


@dataclass
class Watch:
    """Sees every step once, in order. Deterministic: the same steps give the same watch again."""

    known: Knowledge = field(default_factory=Knowledge)
    ladder: Ladder = field(default_factory=Ladder)
    balance: Balance = field(default_factory=Balance)
    labels: Counter[str] = field(default_factory=Counter)

    def see(self, step: Step) -> tuple[Label, Intervention | None]:
        """Judge a step; what the ladder says to do about it, None for nothing."""
        label = judge(self.known, step)
        self.balance.take(step.tokens or len(step.thought) / 4, len(step.calls), label.gained)
        if label.name == "overthinking" and self.balance.strained:
            label = Label(label.name, min(1.0, label.confidence + STRAIN), label.reason, label.gained)
        self.labels[label.name] += 1
        return label, self.ladder.take(label)
