"""Precision, recall, steps to detection and false interventions of the detectors over the corpus."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from corpus import Sequence, sequences
from detectors import DETECTORS, Detector


@dataclass
class Score:
    """`delays`: steps from the first that drifts to the reaction, both counted; a missed sequence counts whole."""

    drifting: int = 0
    found: int = 0
    healthy: int = 0
    false: int = 0
    delays: list[int] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.drifting if self.drifting else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.false) if self.found + self.false else 1.0

    @property
    def false_rate(self) -> float:
        return self.false / self.healthy if self.healthy else 0.0

    @property
    def delay(self) -> float:
        return statistics.median(self.delays) if self.delays else 0.0


def score(detector: Detector, corpus: Iterable[Sequence]) -> Score:
    """A reaction before the drift begins, or on a healthy run, is false."""
    total = Score()
    for sequence in corpus:
        at = detector(sequence.steps)
        if not sequence.drifts:
            total.healthy += 1
            total.false += at >= 0
            continue
        total.drifting += 1
        total.false += 0 <= at < sequence.onset
        total.found += at >= sequence.onset
        total.delays.append((at if at >= sequence.onset else len(sequence.steps)) - sequence.onset + 1)
    return total


def table(part: str) -> list[tuple[str, Score]]:
    """Every detector over one part of the corpus."""
    corpus = [s for s in sequences() if s.part == part]
    return [(name, score(detector, corpus)) for name, detector in DETECTORS.items()]


def sooner() -> float:
    """Steps that coder is sooner than the best of the others, sequence by sequence, in the median (measuring part)."""
    gains = []
    for sequence in sequences():
        if sequence.part != "measuring" or not sequence.drifts:
            continue
        delays = {}
        for name, detector in DETECTORS.items():
            at = detector(sequence.steps)
            delays[name] = (at if at >= sequence.onset else len(sequence.steps)) - sequence.onset + 1
        gains.append(min(d for name, d in delays.items() if name != "coder") - delays["coder"])
    return statistics.median(gains)


def main() -> None:
    """Print the tables."""
    for part in ("tuning", "measuring"):
        rows = table(part)
        first = rows[0][1]
        print(f"{part} part: {first.drifting} drifting and {first.healthy} healthy sequences")
        print(f"  {'':18} {'recall':>7} {'precision':>10} {'steps to detection':>19} {'false interventions':>20}")
        for name, s in rows:
            print(f"  {name:18} {s.recall:7.2f} {s.precision:10.2f} {s.delay:19.1f} {s.false_rate:19.1%}")
    print(f"sooner than the best of the others, in the median: {sooner():.0f} steps")
    if "--no-runs" not in sys.argv:
        end_to_end()


def end_to_end() -> None:
    """Whole runs of drifting models, with the supervisor and without."""
    from drifters import outcomes

    print("whole runs of scripted models that drift: steps with the supervisor / without")
    saved = savable = lost = with_it = without = 0
    for made in outcomes():
        on, off = made.on.status == "fixed", made.off.status == "fixed"
        print(
            f"  {made.way:12} brought back by {made.wakes:10} {'fixed' if on else 'not fixed':9} "
            f"{made.on.counts.steps:3} / {'fixed' if off else 'not fixed':9} {made.off.counts.steps:3}",
            flush=True,
        )
        lost += off and not on
        if not off:
            savable += 1
            saved += on
            with_it += made.on.counts.steps
            without += made.off.counts.steps
    print(
        f"  saved {saved} of {savable} that are not fixed without it, in {with_it / max(1, without):.0%} of the steps"
    )
    print(f"  fixed without it and lost with it: {lost}")


if __name__ == "__main__":
    main()
