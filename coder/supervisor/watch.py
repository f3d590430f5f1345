"""One pair of eyes for live runs and for finished trajectories: K, labels, balance and ladder together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from coder.supervisor.balance import Balance
from coder.supervisor.knowledge import Knowledge
from coder.supervisor.labels import Label, judge
from coder.supervisor.ladder import Intervention, Ladder
from coder.supervisor.second_opinion import UNSURE, overruled
from coder.trajectories.contract import Judgement, Step

Ask = Callable[[Sequence[str], Step], Judgement]
"""What was known before a step, and the step; see `second_opinion`."""

STRAIN = 0.1  # what a strained balance adds to the confidence of overthinking
PATIENCE = 3  # steps that an intervention has to show an effect


@dataclass(frozen=True)
class Seen:
    """What was made of a step. `helped`: whether the intervention before it did, None if that is not known yet."""

    label: Label
    intervention: Intervention | None = None
    helped: bool | None = None


@dataclass
class Watch:
    """Sees every step once, in order. Deterministic: the same steps give the same watch again."""

    known: Knowledge = field(default_factory=Knowledge)
    ladder: Ladder = field(default_factory=Ladder)
    balance: Balance = field(default_factory=Balance)
    labels: Counter[str] = field(default_factory=Counter)
    waiting: int = 0  # steps that the newest intervention still has to show an effect

    def see(self, step: Step, ask: Ask | None = None) -> Seen:
        """Judge a step, and say what the ladder makes of it. `ask` is asked where the rules are unsure."""
        facts = self.known.facts() if ask else ()
        label = judge(self.known, step)
        if said := step.judged or (ask(facts, step) if ask and label.confidence <= UNSURE else ""):
            label = overruled(label, said, step)
        self.balance.take(step.tokens or len(step.thought) / 4, len(step.calls), label.gained)
        if label.name == "overthinking" and self.balance.strained:
            label = Label(label.name, min(1.0, label.confidence + STRAIN), label.reason, label.gained)
        self.labels[label.name] += 1
        intervention = None if step.demanded and label.drifts else self.ladder.take(label)
        return Seen(label, intervention, self._effect(label, intervention))

    def _effect(self, label: Label, intervention: Intervention | None) -> bool | None:
        """An intervention helped if a step brought something new before the next one was needed."""
        helped: bool | None = None
        if self.waiting:
            self.waiting -= 1
            if not label.drifts:
                helped, self.waiting = True, 0
            elif intervention is not None or not self.waiting:
                helped, self.waiting = False, 0
        if intervention is not None:
            self.waiting = PATIENCE
        return helped
