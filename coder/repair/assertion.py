"""What a failing assertion is about: the functions whose results reach it, read from the test that it stands in."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from coder.repair.scope import bound_names, own_nodes
from coder.repair.source import Module

FARTHER = 0.6  # what a call counts for with each assignment that stands between its result and the assertion
_DEEPEST = 4  # such assignments


def feeding_calls(module: Module, line: int) -> dict[str, float]:
    """Names of the functions that are called in the statement on `line` of a test, and in those that bind what it
    reads, backwards up to the beginning of the test. 1.0 for a call in the statement itself, less with the distance.
    """
    own = module.statements_at(line)
    function = module.function_of(own[-1]) if own else None
    if function is None:
        return {}
    found: dict[str, float] = {}
    wanted: dict[str, float] = {}
    _take(own[-1], 1.0, found, wanted)
    before = [node for node in own_nodes(function) if isinstance(node, ast.stmt) and node.lineno < own[-1].lineno]
    for statement in sorted(before, key=lambda node: -node.lineno):
        reached = max((wanted.get(name, 0.0) for name in changed_names(statement)), default=0.0)
        if reached > FARTHER**_DEEPEST:
            _take(statement, reached * FARTHER, found, wanted)
    return found


def _take(statement: ast.stmt, weight: float, found: dict[str, float], wanted: dict[str, float]) -> None:
    """Note what a statement calls and reads."""
    for node in header(statement):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            found[name] = max(weight, found.get(name, 0.0))
        elif isinstance(node, ast.Attribute):  # a property is a call too
            found[node.attr] = max(weight, found.get(node.attr, 0.0))
        elif isinstance(node, ast.Name):
            wanted[node.id] = max(weight, wanted.get(node.id, 0.0))


def changed_names(statement: ast.stmt) -> Iterator[str]:
    """The variables that a statement binds, or whose objects it may change."""
    for node in header(statement):
        yield from (name.id for name in bound_names(node) if node is name)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            base = node.func.value
            if isinstance(base, ast.Name):
                yield base.id


def header(statement: ast.stmt) -> Iterator[ast.AST]:
    """The nodes of a statement without those of the statements in it."""
    pending: list[ast.AST] = [statement]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt))
