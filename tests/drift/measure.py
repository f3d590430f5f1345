"""Precision, recall, steps to detection and false interventions of the detectors over the corpus."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from corpus import Sequence, sequences
from detectors import DETECTORS, Detector
from recorded import labelled, recorded

from coder.supervisor.watch import Watch

LETTERS = {"c": "calibrated", "t": "overthinking", "a": "overacting"}


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
    corpus = [s for s in (*sequences(), *recorded()) if s.part == part]
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


@dataclass
class Agreement:
    """Steps of a real model's runs: what somebody who read them says, against coder's labels."""

    runs: int = 0
    steps: int = 0
    same: int = 0  # the very label
    drifting: int = 0
    seen: int = 0  # of those, the ones that coder calls drifting too
    calibrated: int = 0
    blamed: int = 0  # of those, the ones that coder calls drifting


def agreement() -> Agreement:
    """Over every run that was labelled step by step."""
    total = Agreement()
    for sequence, letters in labelled():
        watch = Watch()
        names = [watch.see(step).label.name for step in sequence.steps]
        total.runs += 1
        total.steps += len(names)
        total.same += sum(LETTERS[letter] == name for letter, name in zip(letters, names, strict=True))
        for letter, name in zip(letters, names, strict=True):
            drifts = name != "calibrated"
            total.drifting += letter != "c"
            total.seen += letter != "c" and drifts
            total.calibrated += letter == "c"
            total.blamed += letter == "c" and drifts
    return total


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-runs", action="store_true", help="the corpus alone")
    parser.add_argument("--kept", type=Path, help="a file of outcomes of whole runs, to go on where a part ended")
    given = parser.parse_args()
    for part in ("tuning", "measuring", "recorded"):
        rows = table(part)
        first = rows[0][1]
        print(f"{part} part: {first.drifting} drifting and {first.healthy} healthy sequences")
        print(f"  {'':18} {'recall':>7} {'precision':>10} {'steps to detection':>19} {'false interventions':>20}")
        for name, s in rows:
            print(f"  {name:18} {s.recall:7.2f} {s.precision:10.2f} {s.delay:19.1f} {s.false_rate:19.1%}")
    found = agreement()
    print(
        f"a real model's {found.steps} steps in {found.runs} runs, labelled by hand: {found.same} have the same label;"
    )
    print(
        f"  {found.seen} of {found.drifting} drifting ones are seen, {found.blamed} of {found.calibrated} others blamed"
    )
    print(f"sooner than the best of the others, in the median: {sooner():.0f} steps", flush=True)
    if not given.no_runs:
        end_to_end(given.kept)


def end_to_end(kept: Path | None) -> None:
    """Whole runs of drifting models, with the supervisor and without."""
    from drifters import outcomes

    print("whole runs of scripted models that drift: steps with the supervisor / without")
    said = {True: "fixed", False: "not fixed"}
    made = []
    for each in outcomes(kept):
        made.append(each)
        print(
            f"  {each.way:12} brought back by {each.wakes:10} {said[each.on]:9} {each.on_steps:3} / "
            f"{said[each.off]:9} {each.off_steps:3}",
            flush=True,
        )
    savable = [each for each in made if not each.off]
    saved = [each for each in savable if each.on]
    share = sum(each.on_steps for each in savable) / max(1, sum(each.off_steps for each in savable))
    print(
        f"  saved {len(saved)} of {len(savable)} that are not fixed without it (bar: 90 %), in {share:.0%} of the steps"
    )
    print(f"  fixed without it and lost with it: {sum(each.off and not each.on for each in made)} (bar: 0)")


if __name__ == "__main__":
    main()
