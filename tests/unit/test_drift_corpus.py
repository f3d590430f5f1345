"""The bars on the measuring part of the drift corpus, and what holds of the corpus itself."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "drift"))

import corpus
import measure

from coder.supervisor.ladder import Rung
from coder.supervisor.watch import Watch


def test_the_corpus_is_large_divided_by_kind_and_always_the_same() -> None:
    made = list(corpus.sequences())
    assert len(made) >= 300 and made == list(corpus.sequences())
    kinds = {part: {s.kind for s in made if s.part == part} for part in ("tuning", "measuring")}
    assert not kinds["tuning"] & kinds["measuring"]
    assert {s.kind: s.drifts for s in made}.__len__() == 16
    assert sum({s.kind: s.drifts for s in made}.values()) == 8


def test_the_measuring_part_meets_the_bars() -> None:
    [(name, score), *_] = measure.table("measuring")
    assert name == "coder"
    assert score.recall >= 0.95
    assert score.false_rate <= 0.02
    assert measure.sooner() >= 1


def test_recorded_runs_are_seen_as_what_they_are() -> None:
    [(name, score), *_] = measure.table("recorded")
    assert name == "coder" and (score.drifting, score.healthy) == (8 + len(list(measure.labelled())), 3)
    assert score.recall == 1.0 and score.false == 0


def test_most_steps_of_a_real_model_are_labelled_as_a_reader_labels_them() -> None:
    found = measure.agreement()
    assert found.runs >= 2 and found.blamed == 0
    assert found.seen >= 0.7 * found.drifting


def test_no_healthy_run_is_stopped() -> None:
    for sequence in corpus.sequences():
        if not sequence.drifts:
            watch = Watch()
            made = [intervention for step in sequence.steps if (intervention := watch.see(step).intervention)]
            assert all(i.rung < Rung.STOP for i in made), sequence.kind
