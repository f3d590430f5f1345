"""Scripted models that drift, each in its own way, until something brings them back; then they fix the bug."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from unittest import mock

from coder import run
from coder.models.contract import Message, Reply, ToolCall, ToolSchema
from coder.policies.contract import Plan, Policy, View
from coder.policies.hybrid import HybridPolicy
from coder.policies.model import ModelPolicy
from coder.policies.search import SearchPolicy
from coder.record.result import Result
from coder.record.store import RunStore
from coder.task import Request

Wakes = Literal["nudge", "constraint", "rollback", "late", "never"]
"""What brings a model back: a word, thinking taken away or a new plan, a second new plan, time alone, or nothing."""
WAKES: tuple[Wakes, ...] = ("nudge", "constraint", "rollback", "late", "never")
STEPS = 50  # a run's budget
LATE = 6  # model calls after which a model that wakes by itself does

FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": (
        "def total(prices, discount=0):\n    return sum(prices) - discount\n\n\n"
        "def cheapest(prices):\n    return max(prices)\n\n\n"
        "def dearest(prices):\n    return max(prices)\n\n\n"
        "def is_free(price):\n    return price <= 0\n"
    ),
    "tests/test_prices.py": (
        "from shop.prices import cheapest, dearest, is_free, total\n\n\n"
        "def test_total():\n    assert total([1, 2], 1) == 2\n\n\n"
        "def test_cheapest():\n    assert cheapest([3, 1, 2]) == 1\n\n\n"
        "def test_dearest():\n    assert dearest([3, 1, 2]) == 3\n\n\n"
        "def test_is_free():\n    assert is_free(0)\n"
    ),
}
SOURCE = "shop/prices.py"
OLD = "def cheapest(prices):\n    return max(prices)"


def edit(new: str, old: str = OLD) -> tuple[str, dict[str, Any]]:
    return "edit_file", {"path": SOURCE, "search": old, "replace": new}


FIX = (edit("def cheapest(prices):\n    return min(prices)"), ("run_tests", {}))
A, B = (f"def cheapest(prices):\n    return sorted(prices)[{n}]" for n in (1, 2))


def rederive(n: int) -> Any:
    return "The test wants 1 and cheapest gives 3, so the comparison in cheapest must be the wrong way round."


def rephrase(n: int) -> Any:
    words = (
        "I believe cheapest is wrong: 3 comes out where the test wants 1.",
        "The wrong one has to be cheapest; the test wants 1, and out comes 3.",
        "What comes out of cheapest is 3, and the test wants 1: so that is wrong.",
    )
    return words[n % 3]


def seesaw(n: int) -> Any:
    one = "It could be cheapest that compares the wrong way and so returns 3."
    two = "But maybe test_cheapest passes the list [3, 1, 2] unsorted, which total() would not mind."
    return (one, two)[n % 2]


def repeat_call(n: int) -> Any:
    return [("read_file", {"path": SOURCE})]


def reread(n: int) -> Any:
    return [("read_file", {"path": SOURCE, "start": 1 + n % 4, "end": 5 + n % 5})] if n else repeat_call(0)


def ask_known(n: int) -> Any:
    name = ("cheapest", "dearest", "total", "is_free")[n % 4]
    return [("find_definition", {"name": name})] if n else repeat_call(0)


def rerun_tests(n: int) -> Any:
    return [("run_tests", {})]


def undo_redo(n: int) -> Any:
    old, new = (OLD, A) if n == 0 else (A, B) if n % 2 else (B, A)
    return [edit(new, old), ("run_tests", {})]


WAYS: dict[str, Callable[[int], Any]] = {
    way.__name__: way for way in (rederive, rephrase, seesaw, repeat_call, reread, ask_known, rerun_tests, undo_redo)
}


class Drifter:
    """A ChatModel. `way`: how it drifts; `wakes`: what brings it back. What it knows is in the messages it gets."""

    name, context, billions = "scripted", 32_768, 30.0

    def __init__(self, way: Callable[[int], Any], wakes: Wakes) -> None:
        self._way, self._wakes = way, wakes
        self._calls = self._plans = 0
        self._awake = False

    def count(self, text: str) -> int:
        return 0

    def chat(self, messages: Sequence[Message], tools: Sequence[ToolSchema], *, think: bool, **limits: Any) -> Reply:
        if not tools:
            self._plans += 1
            return self._reply(f"HYPOTHESIS: cheapest is wrong, thought {self._plans}\nFILES: {SOURCE}\nEVIDENCE: 3")
        self._awake = (
            self._awake
            or {
                "nudge": any("The supervisor:" in m["content"] for m in messages),
                "constraint": not think or self._plans > 1,
                "rollback": self._plans > 2,
                "late": self._calls >= LATE,
                "never": False,
            }[self._wakes]
        )
        does = self._fix(messages) if self._awake else self._way(self._calls)
        self._calls += 1
        return self._reply(does) if isinstance(does, str) else self._reply("", does)

    def _fix(self, messages: Sequence[Message]) -> Any:
        """The right edit, whatever the file holds: a refusal names the way out."""
        whole = {"path": SOURCE, "function": "cheapest", "replace": "def cheapest(prices):\n    return min(prices)\n"}
        return [("edit_file", whole), ("run_tests", {})]

    def _reply(self, text: str, calls: Sequence[tuple[str, dict[str, Any]]] = ()) -> Reply:
        made = tuple(ToolCall(id="", name=name, arguments=arguments) for name, arguments in calls)
        return Reply(text, tool_calls=made, prompt_tokens=500, completion_tokens=40, done_reason="stop")


class ModelFirst(HybridPolicy):
    """A hybrid that begins with the model, so that the search is what the supervisor can switch to."""

    def plan(self, view: View) -> Plan:
        view.memory.setdefault("phase", "model")
        return super().plan(view)


@dataclass(frozen=True)
class Outcome:
    """One drifting model, with the supervisor on and off: whether it was fixed, and in how many steps."""

    way: str
    wakes: Wakes
    on: bool
    on_steps: int
    off: bool
    off_steps: int


def fix(way: str, wakes: Wakes, *, supervise: bool, home: Path) -> Result:
    """One run of a drifting model. A model that never wakes can only be saved by the search."""
    repo = home / "repo"
    for name, text in FILES.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)
    model = ModelPolicy(Drifter(WAYS[way], wakes))
    policy: Policy = ModelFirst(SearchPolicy(), model) if wakes == "never" else model
    request = Request(
        repo, "test_cheapest", model="none", sandbox="none", time=240, steps=STEPS, tokens=10**7, supervise=supervise
    )
    with mock.patch.object(run, "_policy", lambda request: (policy, "scripted", "for the bench")):
        return run.fix(request, RunStore(home / "home"), lambda event: None)


def outcome(way: str, wakes: Wakes) -> Outcome:
    """The same model with the supervisor and without."""
    ended: list[bool | int] = []
    for supervise in (True, False):
        with tempfile.TemporaryDirectory(prefix="coder-drift-") as home:
            result = fix(way, wakes, supervise=supervise, home=Path(home))
        ended += [result.status == "fixed", result.counts.steps]
    return Outcome(way, wakes, *ended)


def outcomes(kept: Path | None = None) -> Iterator[Outcome]:
    """Every way to drift with everything that can bring a model back. What stands in the file `kept` is not run again,
    and what is run is added to it: so the whole can be done in parts."""
    lines = kept.read_text().splitlines() if kept and kept.exists() else []
    done = {(made.way, made.wakes): made for made in (Outcome(**json.loads(line)) for line in lines)}
    for way in WAYS:
        for wakes in WAKES:
            made = done.get((way, wakes)) or outcome(way, wakes)
            if kept and (way, wakes) not in done:
                with kept.open("a") as file:
                    file.write(json.dumps(asdict(made)) + "\n")
            yield made
