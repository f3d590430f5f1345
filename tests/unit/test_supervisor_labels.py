"""Labels are judged against K; the ladder answers in proportion."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coder.supervisor.balance import Balance
from coder.supervisor.knowledge import Knowledge
from coder.supervisor.labels import Label, judge
from coder.supervisor.ladder import STAIRS, Ladder, Rung
from coder.supervisor.watch import Watch
from coder.trajectories.contract import Call, Step

SOURCE = "\n".join(f"value_{n} = {n} * {n + 1}" for n in range(1, 41))
FAILED = "FAILED tests/t.py::test_a - assert 4 == 5\n1 failed in 0.12s"


def read(first: int = 0, last: int = 0) -> Step:
    lines = SOURCE.split("\n")[max(0, first - 1) : last or None]
    command = f"sed -n '{first},{last}p' a.py" if last else "cat a.py"
    return Step(1, "", (Call("bash", {"command": command}, "\n".join(lines)),))


def edit(new: str, old: str = "value_3 = 3 * 4") -> Step:
    return Step(1, "", (Call("edit_file", {"path": "a.py", "search": old, "replace": new}, "Edited.", True),))


def run(result: str = FAILED, command: str = "pytest tests/t.py") -> Step:
    return Step(1, "", (Call("bash", {"command": command}, result),))


def names(*steps: Step) -> list[str]:
    known = Knowledge()
    return [judge(known, step).name for step in steps]


def test_reading_what_was_read_is_overacting_until_the_file_changes() -> None:
    assert names(read(), read(5, 9)) == ["calibrated", "overacting"]
    assert names(read(), edit("value_3 = 0"), read(5, 9)) == ["calibrated"] * 3
    assert names(read(1, 10), read(11, 20), read(5, 15)) == ["calibrated", "calibrated", "overacting"]


def test_code_in_a_reply_is_an_idea_once_and_changes_nothing_the_second_time() -> None:
    def reply(body: str) -> Step:
        return Step(1, f"This would do it:\n```python\ndef read(text):\n    return {body}\n```")

    assert names(reply("float(text)"), reply("int(text) * unit")) == ["calibrated", "overthinking"]
    assert names(reply("float(text)"), read(), reply("int(text) * unit")) == ["calibrated"] * 3


def test_a_reply_that_names_nothing_is_mild_drift_where_nothing_came_in_before_it() -> None:
    wondering = Step(1, "The rounding in total_of() looks wrong for 2.5, so the test gets 3.")
    idle = Step(1, "I am ready to help with the task. Please say what should happen next.")
    assert names(idle) == ["calibrated"] and names(wondering, read(), idle) == ["calibrated"] * 3
    known = Knowledge()
    judge(known, wondering)
    label = judge(known, idle)
    assert (label.name, Ladder().take(label)) == ("overthinking", None)


def test_whoever_goes_in_circles_gets_out_by_an_action_and_not_by_other_words() -> None:
    same = Step(1, "The rounding in total_of() looks wrong for 2.5, so the test gets 3.")
    other = Step(1, "Perhaps parse_row() in csvin/rows.py drops the 4th column of 'a,b,c,d'.")
    assert names(same, other) == ["calibrated", "calibrated"]
    assert names(same, same, same, other) == ["calibrated", *["overthinking"] * 3]
    assert names(same, same, same, read(), other)[-1] == "calibrated"


def test_the_heading_of_a_read_tool_is_no_evidence() -> None:
    def window(first: int, last: int) -> Step:
        shown = "\n".join(f"{n:4}| {line}" for n, line in enumerate(SOURCE.split("\n"), 1) if first <= n <= last)
        result = f"a.py, lines {first} to {last} of 40:\n{shown}"
        return Step(1, "", (Call("read_file", {"path": "a.py", "start": first, "end": last}, result, True, False),))

    assert names(window(1, 40), window(5, 8), window(6, 9)) == ["calibrated", "overacting", "overacting"]


def test_a_file_whose_output_was_cut_is_not_known_whole() -> None:
    cut = Step(1, "", (Call("bash", {"command": "cat a.py"}, SOURCE[:300] + "\n[... truncated ...]"),))
    assert names(cut, read(30, 40)) == ["calibrated", "calibrated"]


def test_tests_are_worth_running_after_a_change_or_with_another_result() -> None:
    assert names(run(), run()) == ["calibrated", "overacting"]
    assert names(run(), edit("value_3 = 0"), run()) == ["calibrated"] * 3
    assert names(run(), run("1 passed in 3.1s")) == ["calibrated"] * 2
    assert names(run(), run(FAILED.replace("0.12s", "9.9s"))) == ["calibrated", "overacting"], "a time is no evidence"


def test_the_same_edit_again_is_drift_also_when_it_is_spelled_otherwise() -> None:
    assert names(edit("value_3 = 0"), run(), edit("value_3 = (0)  # again")) == [
        "calibrated",
        "calibrated",
        "overacting",
    ]
    assert names(edit("value_3 = 0"), run(), edit("value_3 = 1")) == ["calibrated"] * 3


def test_the_same_failing_call_is_drift() -> None:
    bad = Step(
        1, "", (Call("edit_file", {"path": "a.py", "search": "q", "replace": "r"}, "Nothing was written.", False),)
    )
    assert names(bad, bad) == ["calibrated", "overacting"]


def test_ending_on_a_red_test_is_overacting() -> None:
    finish = Step(1, "", (Call("finish", {}),))
    assert names(run(), finish)[1] == "overacting"
    assert names(run("3 passed"), finish)[1] == "calibrated"


def test_thoughts_again_are_overthinking_and_new_ones_are_not() -> None:
    first = Step(1, "The parser drops the offset in parse_date, so 7 comes out where 12 is expected by the test.")
    again = Step(2, "I think parse_date drops the offset: 12 is expected by the test and 7 comes out.")
    other = Step(3, "Then format_zone would get -300 from utc_delta(), which `render` prints as 19 hours.")
    assert names(first, again, other) == ["calibrated", "overthinking", "calibrated"]


def test_thought_after_new_evidence_is_calibrated_although_it_is_long() -> None:
    thought = "The result of value_7 is 56, which fits the assertion in line 12 " + "of the test " * 3
    assert names(Step(1, "What is value_7?"), read(), Step(3, thought)) == ["calibrated"] * 3


def test_k_goes_through_json() -> None:
    known = Knowledge()
    for step in (read(), run(), edit("value_3 = 0"), Step(4, "It is value_3 with 12."), run()):
        judge(known, step)
    again = Knowledge.from_json(json.loads(json.dumps(known.to_json())))
    assert again == known
    assert known.edits[0].outcome == "failed" and known.hypotheses[0].fate == "refuted"
    assert any("1 edits tried and failed, in a.py" in fact for fact in known.facts())


def drift(confidence: float) -> Label:
    return Label("overacting", confidence, "x")


def test_each_rung_needs_less_evidence_and_recovery_climbs_back() -> None:
    rungs, needs = zip(*STAIRS, strict=True)
    assert all(a > b for a, b in pairwise(needs)) and list(rungs) == sorted(rungs)
    ladder = Ladder()
    taken = [ladder.take(drift(0.9)) for _ in range(len(STAIRS) + 1)]
    assert [i.rung for i in taken if i] == list(rungs), "and nothing below the last"
    ladder = Ladder(3, 0.4)
    ladder.take(Label("calibrated", 0.9, ""))
    assert (ladder.rung, ladder.evidence) == (Rung.NUDGE, 0.0)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=60))
def test_no_run_without_drift_is_ever_touched_and_rungs_go_one_by_one(steps: list[tuple[bool, float]]) -> None:
    ladder = Ladder()
    for drifts, confidence in steps:
        before = ladder.depth
        made = ladder.take(drift(confidence) if drifts else Label("calibrated", confidence, ""))
        assert made is None or (drifts and ladder.depth == before + 1)
        assert Ladder.from_json(ladder.to_json()) == ladder


def test_the_band_of_the_balance_adapts_to_the_task() -> None:
    cheap, dear = Balance(), Balance()
    for _ in range(10):
        cheap.take(100, 1, 1)
        dear.take(4000, 1, 1)
    for balance in (cheap, dear):
        balance.take(6000, 1, 0)
    assert cheap.strained and not dear.strained


def test_length_alone_is_never_drift() -> None:
    watch = Watch()
    for n in range(300):
        result = f"row_{n} = {n * 7}\nother_{n} = {n * 13}"
        seen = watch.see(Step(n, f"Next, entry {n}.", (Call("read_file", {"path": f"f{n}.py"}, result),)))
        assert seen.label.name == "calibrated" and seen.intervention is None


@pytest.mark.parametrize("text", ["", "   ", "\x00", "a " * 5000])
def test_odd_thoughts_are_no_fault(text: str) -> None:
    assert judge(Knowledge(), Step(1, text)).name in ("calibrated", "overthinking")
