"""The search's candidates at a model's side: on its edits, where they were tested and failed, and where it points."""

from __future__ import annotations

from typing import Any

from coder.policies.contract import Left, Plan, View
from coder.policies.near import near_misses, where_it_points
from coder_tools.contract import TestResult
from coder_tools.logs import finding
from coder_tools.workspace import Workspace

GOAL = "tests/test_a.py::test_a"
BASE = b"def kept(a):\n    return a + 1\n\n\ndef half(a):\n    return a\n"
CHANGED = b"def kept(a):\n    return a + 1\n\n\ndef half(a):\n    return a * 2 if a > 0 else 0\n"


def view(changes: dict[str, bytes | None], memory: dict[str, Any], **more: Any) -> View:
    workspace = Workspace({"a.py": BASE}.__getitem__, ["a.py"], changes, lambda path: "")
    failed = TestResult(GOAL, "failed", message="AssertionError: assert 4 == 1", exception="AssertionError")
    given: dict[str, Any] = {"finding": finding([failed], [GOAL]), "failures": (failed,), "left": Left(60, 9, 9)}
    return View("fix", (GOAL,), workspace, memory=memory, **(given | more))


def was_tested(changes: dict[str, bytes | None]) -> dict[str, Any]:
    return {"model": {"tested": view(changes, {}).workspace.revision()}}


def test_only_the_lines_that_the_model_changed_are_varied() -> None:
    changes: dict[str, bytes | None] = {"a.py": CHANGED}
    memory = was_tested(changes)
    made = near_misses(view(changes, memory))
    assert made is not None and made.on_change and made.wants == "test" and made.spent.model_calls == 0
    texts = [
        CHANGED[: c.splice.start].decode() + c.splice.text + CHANGED[c.splice.end :].decode() for c in made.candidates
    ]
    assert any("a // 2 if" in text or "a / 2 if" in text for text in texts)
    assert all("return a + 1" in text for text in texts)
    assert near_misses(view(changes, memory)) is None, "once for each change"


def test_nothing_is_varied_that_was_not_tested_or_did_not_fail() -> None:
    changes: dict[str, bytes | None] = {"a.py": CHANGED}
    passed = finding([TestResult(GOAL, "passed")], [GOAL])
    assert near_misses(view(changes, {"model": {"tested": "another"}})) is None
    assert near_misses(view(changes, was_tested(changes), finding=passed)) is None
    assert near_misses(view({}, was_tested({}))) is None
    assert near_misses(view(changes, was_tested(changes), left=Left(3, 9, 9))) is None
    text: dict[str, bytes | None] = {"a.txt": b"x"}
    assert near_misses(view(text, was_tested(text))) is None
    foreign = view(changes, was_tested(changes), language="jest")
    assert near_misses(foreign) is None


def test_the_functions_that_a_hypothesis_names_are_varied_once() -> None:
    memory: dict[str, Any] = {}
    plan = Plan("`half` gives back the whole", ("a.py", "none.py"), "line 6")
    made = where_it_points(view({}, memory, plan=plan))
    assert made is not None and not made.on_change and made.spent.model_calls == 0
    half = BASE.index(b"def half")
    assert all(candidate.splice.start >= half for candidate in made.candidates), "the other function is not named"
    assert where_it_points(view({}, memory, plan=plan)) is None, "once for each hypothesis"
    assert where_it_points(view({"a.py": CHANGED}, {}, plan=plan)) is None, "there is an edit to go on from"
    for other in (Plan("something is wrong", ("a.py",)), Plan("half is wrong", ()), None):
        assert where_it_points(view({}, {}, plan=other)) is None
    assert where_it_points(view({}, {}, plan=plan, language="jest")) is None


def test_names_that_the_model_mentions_are_tried_however_unlike() -> None:
    """`net_sum` stands in another file alone, and is nothing like `amount`; `rate` is a parameter."""
    files = {
        "a.py": b"def total(order, rate):\n    return order.amount * 2\n",
        "b.py": b"class Order:\n    def __init__(self):\n        self.amount = 1\n        self.net_sum = 2\n",
    }
    workspace = Workspace(files.__getitem__, list(files), {}, lambda path: "")

    def texts(words: str) -> set[str]:
        given = view({}, {}, plan=Plan(words, ("a.py",)))
        given.workspace = workspace
        made = where_it_points(given)
        assert made is not None
        old = files["a.py"]
        return {
            (old[: c.splice.start] + c.splice.text.encode() + old[c.splice.end :]).decode() for c in made.candidates
        }

    right = "def total(order, rate):\n    return order.net_sum * 2\n"
    assert right in texts("`total` must take the order's net_sum, and no made_up name")
    assert right not in texts("`total` takes the wrong thing")
    assert not any("made_up" in text for text in texts("`total` must take made_up"))
