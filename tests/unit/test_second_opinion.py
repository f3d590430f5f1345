"""The judge model: asked only where the rules are unsure, never believed beyond one word, and on the record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coder.models.contract import ModelError, Reply
from coder.record.store import RunStore
from coder.supervisor.live import Live
from coder.supervisor.review import review
from coder.supervisor.second_opinion import EXAM, UNSURE, Judge
from coder.supervisor.watch import Watch
from coder.trajectories.contract import Call, Step, Trajectory
from coder.trajectories.own import data_of, steps_in

SURE = Step(1, "", (Call("read_file", {"path": "a.py"}, "1| alpha = 1\n2| beta = 2", True),))
UNSURE_STEP = Step(2, "", (Call("search", {"pattern": "gamma"}, "no matches", True),))


@dataclass
class Model:
    """Says the same to every question."""

    says: str | ModelError
    name: str = "fake"
    context: int = 4096
    billions: float = 1.0
    images: bool = False
    asked: int = 0

    def chat(self, messages: Any, tools: Any, **limits: Any) -> Reply:
        self.asked += 1
        assert not tools and limits["think"] is False and messages[-1]["content"].startswith("Known before:")
        if isinstance(self.says, ModelError):
            raise self.says
        return Reply(self.says, prompt_tokens=50, completion_tokens=2, done_reason="stop")

    def count(self, text: str) -> int:
        return 0


def test_it_is_asked_only_where_the_rules_are_unsure() -> None:
    model = Model("Known.")
    watch = Watch()

    def ask(facts: Any, step: Step) -> Any:
        return Judge(model).ask(facts, step)[0]

    assert watch.see(SURE, ask).label.confidence > UNSURE and model.asked == 0
    label = watch.see(UNSURE_STEP, ask).label
    assert (label.name, model.asked) == ("overacting", 1) and "judge model sees nothing new" in label.reason
    assert Watch().see(UNSURE_STEP).label.name == "calibrated", "so it is without a judge"


@pytest.mark.parametrize(
    ("says", "judgement"),
    [("new", "new"), ("I think it is: new.", "new"), ("known", "known"), ("", ""), ("maybe", "")],
)
def test_one_word_counts(says: str, judgement: str) -> None:
    said, spent = Judge(Model(says)).ask(["a fact"], UNSURE_STEP)
    assert said == judgement and (spent.prompt_tokens, spent.completion_tokens) == (50, 2)


def test_a_judge_that_fails_leaves_it_to_the_rules() -> None:
    assert Judge(Model(ModelError("gone"))).ask([], UNSURE_STEP)[0] == ""


class Rules:
    """Says what is right of the exam's questions, and of any other something of its own."""

    def __init__(self, says: str, right: int = len(EXAM)) -> None:
        self._answers = [answer for _, answer in EXAM[:right]] + [says] * 9
        self.asked = 0

    def chat(self, messages: Any, tools: Any, **limits: Any) -> Reply:
        assert 0 < limits["timeout"] <= 30 and limits["max_tokens"] <= 300
        self.asked += 1
        return Reply(self._answers[self.asked - 1], prompt_tokens=50, completion_tokens=2, done_reason="stop")


@pytest.mark.parametrize(("right", "asked"), [(0, 1), (2, 3), (len(EXAM), len(EXAM))])
def test_who_fails_the_exam_is_asked_no_more(right: int, asked: int) -> None:
    model: Any = Rules("perhaps", right)
    made, spent = Judge(model).sit_exam(5.0)
    assert (made, model.asked, spent.model_calls, spent.prompt_tokens) == (right, asked, asked, 50 * asked)


def test_no_model_that_always_says_the_same_passes_the_exam() -> None:
    for says in ("new", "known", "", "new or known"):
        assert Judge(Model(says)).sit_exam()[0] < len(EXAM)


def test_a_resumed_run_and_its_review_have_what_the_judge_said(tmp_path: Path) -> None:
    rundir = RunStore(tmp_path).create(tmp_path, "goal", {})
    live = Live()

    def ask(facts: Any, step: Step) -> Any:
        rundir.log.append("supervisor", "judged", {"number": 2, "says": "known"})
        return "known"

    live.see(rundir, "edit", 1, data_of(SURE), ask)
    live.see(rundir, "edit", 2, data_of(UNSURE_STEP), ask)
    assert Live(rundir.events()).watch.labels == live.watch.labels == {"calibrated": 1, "overacting": 1}
    again = review(Trajectory("own", "coder", tuple(steps_in(rundir.events()))))
    assert [judged.label.name for judged in again.steps] == ["calibrated", "overacting"]
    rundir.close()
