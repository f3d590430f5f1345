"""Best of n: where a model's first edit does not pass, more answers to the same question are drawn and compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coder.policies import hybrid
from coder.policies.contract import Edit
from coder.policies.search import SearchPolicy
from coder.record.events import Event
from coder.record.result import Result

pytestmark = pytest.mark.bwrap

FILES = {
    "romans.py": "def roman(number):\n    return 'I' * number\n",
    "tests/test_it.py": "from romans import roman\n\ndef test_old():\n    assert roman(3) == 'III'\n\n"
    "def test_goal():\n    assert [roman(n) for n in (4, 9, 14, 1994)] == ['IV', 'IX', 'XIV', 'MCMXCIV']\n",
}
PLAN = {"content": "HYPOTHESIS: it knows no sign but I\nFILES: romans.py\nEVIDENCE: the test"}
RIGHT = """def roman(number):
    signs = zip((1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1), 'M CM D CD C XC L XL X IX V IV I'.split())
    text = ''
    for value, sign in signs:
        text += sign * (number // value)
        number %= value
    return text
"""
WRONG = "def roman(number):\n    return ('V' if number > 4 else '') + 'I' * (number % 5)\n"
SAME = "def roman(number):  # another comment\n    return (('V' if number > 4 else '')) + 'I' * (number % 5)\n"


def edit(body: str, path: str = "romans.py", **more: Any) -> dict[str, Any]:
    calls = [{"name": "edit_file", "arguments": {"path": path, "function": "roman", "replace": body}}]
    return {"tool_calls": [*calls, {"name": "run_tests", "arguments": {}}]} | more


@pytest.fixture
def solve(
    make: Callable[..., Path], fix: Callable[..., Result], fake_ollama: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Runs coder with a scripted model after a search that is spent: (result, events, the fake server)."""

    def run(replies: list[dict[str, Any]], **options: Any) -> tuple[Result, list[Event], Any]:
        models = [{"name": "gemma4:e4b", "size": 1, "capabilities": ["completion", "tools", "thinking"]}]
        fake = fake_ollama(models=models, replies=[PLAN, *replies], after="error")
        monkeypatch.setenv("OLLAMA_HOST", fake.url)
        monkeypatch.setattr("coder.policies.model.time.sleep", lambda _: None)
        for search in ("near_misses", "where_it_points"):  # they have tests of their own, and take seconds
            monkeypatch.setattr(hybrid, search, lambda view: None)
        monkeypatch.setattr(SearchPolicy, "edit", lambda self, view: Edit(wants="stop", note="spent already"))
        events: list[Event] = []
        files, goal = options.pop("files", FILES), options.pop("goal", "test_goal")
        given = {"model": "ollama:gemma4:e4b", "time": 300.0, "samples": 3} | options
        return fix(make(files), goal, events.append, **given), events, fake

    return run


def attempts(events: list[Event]) -> list[str]:
    return [event.data["note"] for event in events if (event.node, event.kind) == ("edit", "attempt")]


def test_a_later_answer_to_the_same_question_is_right(solve: Any) -> None:
    result, events, fake = solve([edit(WRONG), edit(RIGHT), edit("def roman(number):\n    return 'X'\n")])
    assert result.status == "fixed", result.reason
    assert "number //" in result.patch and result.counts.model_calls == len(fake.chats) == 4
    assert [chat["options"].get("temperature") for chat in fake.chats] == [None, None, 0.7, 1.0]
    asked = [chat["messages"] for chat in fake.chats[1:]]
    assert asked[1] == asked[2] == asked[0], "it is the very same question"
    assert len(attempts(events)) == 2 and "answer 2 of 3 at temperature 0.7: another edit" in attempts(events)[0]
    assert any(event.data.get("note") == "best of 3 answers: 2 other edits" for event in events)


def test_an_edit_is_not_tested_twice_whatever_its_layout(solve: Any) -> None:
    """The same for a model that ignores the temperature: two draws that bring nothing new are enough."""
    result, events, fake = solve([edit(WRONG), edit(WRONG), edit(SAME), edit(RIGHT)], samples=8)
    assert result.status == "fixed", result.reason
    assert all("the same edit as one before" in words for words in attempts(events)) and len(attempts(events)) == 2
    assert not any("best of" in str(event.data.get("note")) for event in events), "there was nothing to test"
    assert result.counts.model_calls == len(fake.chats) == 5


def test_what_is_left_of_the_budget_ends_the_draws(solve: Any) -> None:
    costly = {"prompt_eval_count": 9_000, "eval_count": 1_000}
    other = "def roman(number):\n    return 'X'\n"
    replies = [edit(WRONG, **costly), edit(other, **costly), edit(RIGHT, **costly)]
    result, events, fake = solve(replies, samples=8, tokens=58_000)
    assert len(attempts(events)) == 1, "for another there would have to be 40,000 tokens"
    assert result.status == "fixed" and len(fake.chats) == 4, "and the conversation goes on"
    told = str(fake.chats[-1]["messages"])
    assert "other answers" in told and "+    return 'X'" in told, "with what was tried besides"


def test_a_server_that_fails_in_between_ends_the_draws(solve: Any) -> None:
    result, events, _ = solve(
        [edit(WRONG), {"fault": "status", "status": 503, "error": "busy"}, edit(RIGHT)], samples=4
    )
    assert result.status == "fixed", result.reason
    assert len(attempts(events)) == 1 and "no further answer" in attempts(events)[0]


def test_a_new_file_is_tried_as_a_change_of_its_own(solve: Any) -> None:
    call = {"name": "create_file", "arguments": {"path": "signs.py", "content": RIGHT}}
    use = {"name": "create_file", "arguments": {"path": "romans.py", "content": "from signs import roman\n"}}
    result, _, fake = solve([edit(WRONG), {"tool_calls": [call, use]}], samples=2)
    assert result.status == "fixed" and result.files == ["romans.py", "signs.py"], result.reason
    assert len(fake.chats) == 3


def test_the_best_of_several_that_do_not_pass_is_gone_on_from(solve: Any) -> None:
    head, _, hard = FILES["tests/test_it.py"].partition("def test_goal")
    files = {**FILES, "tests/test_it.py": f"{head}def test_ten():\n    assert roman(10) == 'X'\n\ndef test_goal{hard}"}
    half = "def roman(number):\n    return {10: 'X'}.get(number, 'I' * number)\n"
    result, _, fake = solve([edit(WRONG), edit(half), edit(SAME), edit(RIGHT)], files=files, goal="")
    assert result.status == "fixed" and len(result.goal_tests) == 2, result.reason
    told = str(fake.chats[-1]["messages"])
    assert "did best; it is in the files now" in told and "+    return {10: 'X'}" in told and "taken back" not in told
