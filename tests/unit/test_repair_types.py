"""What types seen at run time rule out, and what they offer."""

from __future__ import annotations

import ast

import pytest

from coder.repair.contract import Suspect
from coder.repair.propose import propose
from coder.repair.types import Types
from coder.repair.world import World
from coder_tools.contract import Observed

SEEN = {
    "n": {"int"},
    "text": {"str"},
    "items": {"list"},
    "table": {"dict"},
    "nothing": {"NoneType"},
    "maybe": {"NoneType", "str"},
    "thing": {"m.Thing"},
    "proxy": {"m.Proxy"},
    "thing.size": {"int"},
}
MEMBERS = {
    "str": {"upper"},
    "list": {"append"},
    "m.Thing": {"size", "grow"},
    "m.Proxy": {"__getattr__"},
    "int": {"real"},
}


def observed() -> Observed:
    line = {name: frozenset(kinds) for name, kinds in SEEN.items()}
    return Observed({("m.py", 2): line}, {kind: frozenset(names) for kind, names in MEMBERS.items()})


@pytest.mark.parametrize(
    "source",
    ["n + text", "text - text", "n[0]", "table[1:2]", "nothing + 1", "-items", "n(1)", "text < n", "n in n", "len(n)",
     "thing.colour", "text.append(1)", "x = [thing.size[0], 1]", "f(n.upper)", "items + table if text < n else 0",
     "text += n", "nothing < 3 < n", "return n + [1]", "for a in n: pass", "text()"],
)  # fmt: skip
def test_what_cannot_work(source: str) -> None:
    assert Types(observed(), "m.py", range(2, 3)).cannot_work(ast.parse(source).body[0])


@pytest.mark.parametrize(
    "source",
    ["n + 1", "text + text", "text % n", "items * n", "table | table", "maybe + text", "text and n[0]", "n == text",
     "[n[0] for n in items]", "lambda: n[0]", "thing.size + 1", "proxy.anything", "unknown + 1", "thing.grow()",
     "n if n else n[0]", "text in table", "items[0]", "f(*items)", "(n + unknown)[0]", "maybe.upper()"],
)  # fmt: skip
def test_what_may(source: str) -> None:
    assert not Types(observed(), "m.py", range(2, 3)).cannot_work(ast.parse(source).body[0])


def test_elsewhere_nothing_is_known() -> None:
    types = Types(observed(), "m.py", range(7, 9))
    assert not types
    assert not types.cannot_work(ast.parse("n[0]").body[0])


def texts(source: str, world: World) -> set[str]:
    suspects = [Suspect("m.py", 2, 0.9)]
    found = propose({"m.py": source.encode()}.__getitem__, suspects, [], world=world)
    raw = source.encode()
    return {(raw[: c.splice.start] + c.splice.text.encode() + raw[c.splice.end :]).decode() for c in found}


def test_members_come_from_what_the_value_really_was() -> None:
    source = "def f(thing):\n    return thing.grew()\n"
    right = source.replace("grew", "grow")
    assert right in texts(source, World(observed=observed()))
    assert right not in texts(source, World())


def test_candidates_that_cannot_work_are_left_out_unless_something_may_catch_it() -> None:
    source = "def f(n, items):\n    return items[n] + 1\n"
    wrong = source.replace("items[n]", "n[n]")
    assert wrong in texts(source, World())
    assert wrong not in texts(source, World(observed=observed()))
    caught = "def f(n, items):\n    try: return items[n] + 1\n    except TypeError: return 0\n"
    assert caught.replace("items[n]", "n[n]") in texts(caught, World(observed=observed()))
