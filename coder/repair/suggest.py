"""A test that would tell two patches apart, in the style of the tests that are there. Shown, and never written."""

from __future__ import annotations

import ast
import builtins
import re

from coder_tools.contract import Behaviour, Input

_AND_CHANGES = ", and its arguments become "  # in what the agent says of a call


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
    written = _raising if chosen.kind == "raises" else _returning
    asserted = written(call(given), chosen, other, unittest=unittest)
    if not asserted:
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


def _raising(code: str, chosen: Behaviour, other: Behaviour, *, unittest: bool) -> list[str]:
    name = chosen.words.partition(":")[0]
    kind, others = (getattr(builtins, did.words.partition(":")[0], None) for did in (chosen, other))
    if not isinstance(kind, type):
        return []
    may_be_one = other.kind == "raises" and (not isinstance(others, type) or issubclass(others, kind))
    lines = [f"with {'self.assertRaises' if unittest else 'pytest.raises'}({name}):", f"    {code}"]
    if may_be_one:  # what the other raises would be taken for it
        lines[0] = lines[0].replace(":", " as raised:")
        lines.append(f"self.assertIs(type(raised.exception), {name})" if unittest else f"assert raised.type is {name}")
    return lines


def _returning(code: str, chosen: Behaviour, other: Behaviour, *, unittest: bool) -> list[str]:
    value, unwanted = chosen.words, other.words if other.kind == "returns" else ""
    if items := _given_by_iterator(value):
        code, value, unwanted = f"list({code})", items, _given_by_iterator(unwanted) or unwanted
    if value == unwanted.partition(_AND_CHANGES)[0] or not _is_code(value):
        return []
    if _are_equal(value, unwanted):  # as 0.0 and -0.0 are, 1 and True, or two orders of a dictionary
        if any(isinstance(node, ast.Set) for node in ast.walk(ast.parse(value))):
            return []  # whose text is in no certain order
        code, value = f"repr({code})", repr(value)
    return [f"self.assertEqual({code}, {value})" if unittest else f"assert {code} == {value}"]


def _given_by_iterator(words: str) -> str:
    """The items that an iterator gives, as a list; "" for what is none."""
    return words[len("iterator(") : -1] if words.startswith("iterator(") and words.endswith(")") else ""


def _is_code(words: str) -> bool:
    """Whether a value's words give the value in any file, with no name imported."""
    try:
        tree = ast.parse(words, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(hasattr(builtins, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name))


def _are_equal(one: str, other: str) -> bool:
    """Whether two values are the same to `==`, as far as they are written as literals."""
    try:
        return bool(ast.literal_eval(one) == ast.literal_eval(other))
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return False
