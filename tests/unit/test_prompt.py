"""What the search has learnt, and where a failing test stands, reach the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from coder.policies import prompt
from coder.policies.contract import Left, Plan, View
from coder.repair.contract import Suspect
from coder.repair.world import World
from coder_tools.contract import Frame, Observed, TestResult
from coder_tools.workspace import Workspace

FILES = {
    "shop/cart.py": "def total(items):\n    return sum(items)\n",
    "money/money_test.go": "package money\n\nfunc TestOther(t *T) {}\n\nfunc TestAdd(t *T) {\n\tadd(1)\n}\n",
    "src/lib.rs": "mod money;\n",
    "src/money.rs": "fn add() {}\n#[test]\nfn adds_up() { add() }\n",
    "a.test.js": "describe('Cart', () => {\n  it('sums 1.5', () => {})\n})\n",
}


def view(test: str, **more: Any) -> View:
    workspace = Workspace(lambda path: FILES[path].encode(), list(FILES), {}, lambda path: "")
    return View("fix it", (test,), workspace, Left(60.0, 10, 1000), {}, **more)


def asked(seen: View) -> str:
    return str(prompt.plan_messages(seen, 20_000)[1]["content"])


def test_the_model_is_told_what_the_search_saw_and_what_came_near() -> None:
    observed = Observed({("shop/cart.py", 2): {"items": frozenset({"builtins.str", "builtins.list"})}})
    seen = view(
        "shop/test_cart.py::test_total",
        suspects=(Suspect("shop/cart.py", 2, 0.9, ()),),
        world=World(observed=observed),
        partials=(("key", 2, "shop/cart.py:2: `sum` becomes `len`"),),
    )
    text = asked(seen)
    assert "shop/cart.py:2: items: builtins.list or builtins.str" in text
    assert "`sum` becomes `len`" in text


@pytest.mark.parametrize(
    ("test", "frames", "words"),
    [
        ("money/money_test.go::TestAdd/two_coins", (), "add(1)"),
        ("a.test.js::Cart::sums 1.5", (), "it('sums 1.5'"),
        ("src/lib.rs::money::tests::adds_up", (Frame("src/money.rs", 3, "adds_up"),), "fn adds_up"),
    ],
)
def test_the_failing_test_is_shown_in_every_language(test: str, frames: tuple[Frame, ...], words: str) -> None:
    text = asked(view(test, failures=(TestResult(test, "failed", frames=frames),), language="another"))
    assert words in text and "failing test" in text


def test_what_the_test_said_is_told_before_there_was_an_edit() -> None:
    failed = TestResult("shop/test_cart.py::test_total", "failed", message="AssertionError: assert 3 == 6")
    assert "expected: 6" in asked(view(failed.id, failures=(failed,)))


def test_nothing_is_shown_twice() -> None:
    suspects = (Suspect("shop/cart.py", 2, 0.9, ("it is suspect",)), Suspect("src/money.rs", 1, 0.5, ()))
    seen = view("src/lib.rs::money::tests::adds_up", suspects=suspects, map=lambda _: "THE MAP")
    planned = replace(seen, plan=Plan("sum is wrong", ("shop/cart.py",)))
    text = prompt.opening(planned, 20_000)["content"]
    assert text.count("def total(items):") == 1 and "line 2, `return sum(items)`: it is suspect" in text
    assert "THE MAP" not in text and "THE MAP" in prompt.opening(seen, 20_000)["content"]
    told = prompt.edit_system(replace(seen, task=f"failing test '{seen.goal[0]}'"), 20_000, "search")
    assert told.count(seen.goal[0]) == 1


def test_the_failing_test_is_shown_to_its_end_and_no_further() -> None:
    files = {"test_a.py": b"def test_one():\n    assert 1 == 2\n\n\ndef test_two():\n    pass\n"}
    workspace = Workspace(files.__getitem__, list(files), {}, lambda path: "")
    seen = View("fix it", ("test_a.py::test_one",), workspace, Left(60.0, 10, 1000), {})
    assert "assert 1 == 2" in asked(seen) and "test_two" not in asked(seen)


def test_a_suspicious_line_is_shown_with_its_function_and_not_with_the_next() -> None:
    code = b"import os\n\n\ndef one(a):\n    b = a\n    return b\n\n\ndef two():\n    return 2\n"
    workspace = Workspace(lambda path: code, ["a.py"], {}, lambda path: "")
    seen = View("fix it", ("t.py::t",), workspace, Left(60, 9, 9), {}, suspects=(Suspect("a.py", 6, 1.0, ()),))
    assert "line 6, `return b`\na.py, lines 4 to 6 of 10:\ndef one(a):\n    b = a\n    return b\n</" in asked(seen)
