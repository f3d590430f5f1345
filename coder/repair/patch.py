"""What a change of one file does to its code, read from the two versions: where it is, what it removes, what is new."""

from __future__ import annotations

import ast
import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coder.repair.source import FUNCTIONS

_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_EXACT = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
LONGEST = 80  # characters of a line that is shown whole
_COMMON = frozenset({"0", "1", "2", "-1", "None", "True", "False", "''", "b''", "..."})


@dataclass(frozen=True)
class Patch:
    """What is known of a change without running it."""

    function: str  # qualified name of the function around it; "" outside of functions
    removes: bool  # statements are lost or can no longer be reached, or a parameter is no longer read
    literals: frozenset[str]  # values that stand in the file only since the change, as Python writes them
    asks: bool = False  # it compares what was not compared, or asks for one value where a range of them was asked for


def read_patch(before: bytes, after: bytes, line: int) -> Patch:
    """Compare two versions of a file; `line` is where the change begins. A version that does not parse says nothing."""
    try:
        old, new = ast.parse(before), ast.parse(after)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Patch("", False, frozenset())
    removes = _reachable(new.body) < _reachable(old.body) or bool(_parameters_read(old) - _parameters_read(new))
    new_values = frozenset(literals(new)) - frozenset(literals(old))
    return Patch(_function_at(old, line), removes, new_values, _asks(old, new))


def _asks(old: ast.Module, new: ast.Module) -> bool:
    """Whether more is compared than before, or more often with one value, and not only with what a guard compares with
    (None, nothing, 0), which is there whatever a test is about."""
    return any(
        len(now) > len(before) and sum(now) > sum(before)
        for before, now in zip(_comparisons(old), _comparisons(new), strict=True)
    )


def _comparisons(tree: ast.Module) -> tuple[list[bool], list[bool]]:
    """For each comparison whether it is no guard's: of all of them, and of those that ask for one value."""
    found: list[bool] = []
    exact: list[bool] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            particular = _COMMON.isdisjoint(map(ast.unparse, (node.left, *node.comparators)))
            found += [particular] * len(node.ops)
            exact += [particular for op in node.ops if isinstance(op, _EXACT)]
        elif isinstance(node, ast.MatchValue):
            found.append(True)
            exact.append(True)
    return found, exact


def new_questions(before: bytes, after: bytes, values: frozenset[str]) -> list[str]:
    """The conditions that stand in a file only since the change and that ask for one of the values, as written."""
    try:
        old, new = ast.parse(before), ast.parse(after)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    known = set(map(ast.unparse, _conditions(old)))
    asked = (node for node in _conditions(new) if not values.isdisjoint(literals(node)))
    return [words for words in dict.fromkeys(map(ast.unparse, asked)) if words not in known]


def _conditions(tree: ast.AST) -> Iterator[ast.expr | ast.pattern]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.IfExp | ast.While):
            yield node.test
        elif isinstance(node, ast.match_case):
            yield node.pattern


def one_line_change(before: bytes, after: bytes) -> tuple[str, str] | None:
    """The line that becomes another one, and what it becomes; None if more changes, or it is long."""
    old, new = before.decode(errors="replace").splitlines(), after.decode(errors="replace").splitlines()
    changed = [(a.strip(), b.strip()) for a, b in zip(old, new, strict=False) if a != b]
    if len(old) != len(new) or len(changed) != 1 or max(map(len, changed[0])) > LONGEST or "`" in "".join(changed[0]):
        return None
    return changed[0]


def literals(tree: ast.AST) -> Iterator[str]:
    """The values written in a tree, without those that are written everywhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and repr(node.value) not in _COMMON:
            yield repr(node.value)


def test_literals(source: bytes, names: Sequence[str]) -> frozenset[str]:
    """The values written in these functions of a test file, and in their decorators."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    wanted = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS) and node.name in names]
    return frozenset(value for node in wanted for value in literals(node))


def example_literals(source: bytes, names: Sequence[str]) -> frozenset[str]:
    """The values written in the examples of these functions' and classes' docstrings, and of the file's own."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    named = [node for node in ast.walk(tree) if isinstance(node, (ast.ClassDef, *FUNCTIONS)) and node.name in names]
    texts = [ast.get_docstring(node) or "" for node in (tree, *named)]
    return frozenset(value for text in texts for code in _in_examples(text) for value in literals(code))


def _in_examples(docstring: str) -> Iterator[ast.AST]:
    """The code of each example, and what it should give where that is written as code."""
    import doctest

    with contextlib.suppress(ValueError):  # raised for a text whose examples are not indented well
        for example in doctest.DocTestParser().get_examples(docstring):
            for text in (example.source, example.want):
                with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                    yield ast.parse(text)


test_literals.__test__ = False  # type: ignore[attr-defined]


def _parameters_read(tree: ast.Module) -> Counter[tuple[str, str]]:
    """(function, parameter) of every parameter that its function reads."""
    found: Counter[tuple[str, str]] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            read = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
            found.update((node.name, a.arg) for a in ast.walk(node.args) if isinstance(a, ast.arg) and a.arg in read)
    return found


def _function_at(tree: ast.Module, line: int) -> str:
    names: list[str] = []
    body: list[ast.stmt] = tree.body
    inside = False
    while True:
        scopes = (node for node in _statements(body) if isinstance(node, (ast.ClassDef, *FUNCTIONS)))
        found = next((node for node in scopes if _first(node) <= line <= (node.end_lineno or 0)), None)
        if found is None:
            return ".".join(names) if inside else ""
        names.append(found.name)
        inside = inside or not isinstance(found, ast.ClassDef)
        body = found.body


def _first(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements, those in blocks too, but not those within functions and classes."""
    for node in body:
        yield node
        if not isinstance(node, (ast.ClassDef, *FUNCTIONS)):
            for block in _blocks(node):
                yield from _statements(block)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield value
        elif isinstance(value, list):
            for part in value:
                if isinstance(part, (ast.ExceptHandler, ast.match_case)):
                    yield part.body


def _reachable(body: Sequence[ast.stmt]) -> int:
    """How many statements there are, without those after one that leaves and those under a constant condition."""
    total = 0
    for node in body:
        total += not isinstance(node, ast.Pass)
        condition = node.test if isinstance(node, ast.If | ast.While) else None
        if isinstance(condition, ast.Constant):
            taken = node.body if condition.value else node.orelse  # type: ignore[attr-defined]
            total += _reachable(taken)
            if taken and isinstance(taken[-1], _LEAVES):
                break
        else:
            total += sum(map(_reachable, _blocks(node)))
        if isinstance(node, _LEAVES):
            break
    return total
