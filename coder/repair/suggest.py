"""A test that would tell two patches apart, in the style of the tests that are there. Shown, and never written."""

from __future__ import annotations

import re

from coder_tools.contract import Behaviour, Input


def call(given: Input) -> str:
    """The call as one would write it."""
    name = given.function
    if given.receiver:
        name = f"{given.receiver}.{given.function.rpartition('.')[2]}"
    return f"{name}({given.arguments})"


def behaves(did: Behaviour) -> str:
    """What a call did, in words."""
    if did.kind == "hangs":
        return "does not end"
    return f"{did.kind} {did.words}"


def suggest(given: Input, chosen: Behaviour, other: Behaviour, number: int, *, unittest: bool) -> str:
    """The text of a test that the chosen patch passes and alternative `number` fails; "" if it cannot be written."""
    if not given.literal or (not given.module.isidentifier() and not _dotted(given.module)):
        return ""
    if "<" in given.function or chosen.kind == "hangs":
        return ""
    outer, _, _ = given.function.partition(".")
    name = "test_" + re.sub(r"\W+", "_", given.function).strip("_").lower() + "_on_a_nearby_input"
    comment = f"# this patch: {behaves(chosen)}; alternative {number}: {behaves(other)}"
    asserted = _assertion(call(given), chosen, unittest=unittest)
    if asserted is None:
        return ""
    header = [f"from {given.module} import {outer}", ""]
    if unittest:
        body = [f"class Test{outer.strip('_').title().replace('_', '')}(unittest.TestCase):", f"    def {name}(self):"]
        return "\n".join(["import unittest", *header, "", *body, f"        {comment}", *_indented(asserted, 8)]) + "\n"
    needs_pytest = ["import pytest"] if chosen.kind == "raises" else []
    body = [f"def {name}():", f"    {comment}", *_indented(asserted, 4)]
    return "\n".join([*needs_pytest, *header, "", *body]) + "\n"


def _dotted(module: str) -> bool:
    return all(part.isidentifier() for part in module.split("."))


def _indented(lines: list[str], by: int) -> list[str]:
    return [" " * by + line for line in lines]


def _assertion(code: str, chosen: Behaviour, *, unittest: bool) -> list[str] | None:
    if chosen.kind == "raises":
        name = chosen.words.partition(":")[0]
        return [f"with {'self.assertRaises' if unittest else 'pytest.raises'}({name}):", f"    {code}"]
    value = chosen.words
    if value.startswith("iterator(") and value.endswith(")"):
        code, value = f"list({code})", value[len("iterator(") : -1]
    try:
        compile(value, "<value>", "eval")
    except (SyntaxError, ValueError):
        return None
    return [f"self.assertEqual({code}, {value})" if unittest else f"assert {code} == {value}"]
