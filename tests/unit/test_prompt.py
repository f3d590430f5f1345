"""What the search has learnt, and where a failing test stands, reach the model."""

from __future__ import annotations

from typing import Any

import pytest

from coder.policies import prompt
from coder.policies.contract import Left, View
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
