"""The slice of a failure: which executed statements led to what the failing assertion saw, and how directly.

Static dependences over the lines that the failing test executed: what it did not execute cannot have mattered, and
what is left is close to a dynamic slice (Agrawal and Horgan 1990) at the price of its coverage alone.
"""

from __future__ import annotations

import ast
import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from coder.repair.assertion import changed_names, header
from coder.repair.source import FUNCTIONS, Module

DATA, CONTROL, CALL = 0.85, 0.75, 0.8  # what is left of a statement's weight one dependence further from the failure
LEAST = 0.15  # what weighs less is not followed

Step = tuple[Module, ast.stmt]
_LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_GIVES = (ast.Yield, ast.YieldFrom)


class Slicer:
    """Walks backwards over the statements of the executed lines (path -> lines)."""

    def __init__(self, executed: Mapping[str, Iterable[int]], get: Callable[[str], Module | None]) -> None:
        """`get` gives a parsed file, None where there is none."""
        self._results: defaultdict[str, list[Step]] = defaultdict(list)  # of the functions of a name
        self._effects: defaultdict[str, list[Step]] = defaultdict(list)
        self._bound: defaultdict[tuple[ast.AST | None, str], list[Step]] = defaultdict(list)
        self._stored: defaultdict[str, list[Step]] = defaultdict(list)  # by attribute
        self._callers: defaultdict[str, list[Step]] = defaultdict(list)
        self._steps: dict[int, Step] = {}
        for path in sorted(executed):
            if (module := get(path)) is not None:
                lines = sorted(executed[path])
                found = dict.fromkeys(own[-1] for line in lines if (own := module.statements_at(line)))
                for statement in found:
                    self._take(module, statement)

    def _take(self, module: Module, statement: ast.stmt) -> None:
        step = (module, statement)
        self._steps[id(statement)] = step
        function = module.function_of(statement)
        name = getattr(function, "name", "")
        changes = set(changed_names(statement))
        for changed in changes:
            self._bound[function, changed].append(step)
        nodes = list(header(statement))
        if isinstance(statement, ast.Return) or any(isinstance(node, _GIVES) for node in nodes):
            self._results[name].append(step)
        for node in nodes:
            if isinstance(node, ast.Attribute) and (isinstance(node.ctx, ast.Store) or _is_mutated(module, node)):
                self._stored[node.attr].append(step)
                self._effects[name].append(step)
            elif isinstance(node, ast.Call):
                self._callers[_name(node.func)].append(step)

    def results_of(self, name: str) -> list[Step]:
        """What functions of this name give back; where they give nothing, what they change."""
        return self._results.get(name) or self._effects.get(name, [])

    def at(self, path: str, line: int) -> list[Step]:
        """The executed statement that a line belongs to."""
        return [step for step in self._steps.values() if step[0].path == path and line in _lines(step[1])][-1:]

    def weigh(self, seeds: Iterable[tuple[float, Step]]) -> dict[tuple[str, int], float]:
        """(path, first line) of each statement that the seeds depend on, with 1 for a seed of weight 1, less with each
        dependence between."""
        best: dict[int, float] = {}
        pending = [(-weight, number, step) for number, (weight, step) in enumerate(seeds)]
        heapq.heapify(pending)
        pushed = len(pending)
        while pending:
            weight, _, step = heapq.heappop(pending)
            if -weight <= best.get(id(step[1]), LEAST):
                continue
            best[id(step[1])] = -weight
            for share, before in self._before(*step):
                pushed += 1
                heapq.heappush(pending, (weight * share, pushed, before))
        weighed = ((self._steps[key], weight) for key, weight in best.items() if key in self._steps)
        return {(module.path, statement.lineno): weight for (module, statement), weight in weighed}

    def _before(self, module: Module, statement: ast.stmt) -> Iterator[tuple[float, Step]]:
        """What a statement depends on directly."""
        function = module.function_of(statement)
        for node in header(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                yield from ((DATA, step) for step in self._bound.get((function, node.id), ()))
            elif isinstance(node, ast.Attribute):
                yield from ((DATA, step) for step in self._stored.get(node.attr, ()))
                yield from ((CALL, step) for step in self._results.get(node.attr, ()))  # a property, or a method
            if isinstance(node, ast.Call):
                yield from ((CALL, step) for step in self.results_of(_name(node.func)))
            elif isinstance(node, ast.Name) and function is not None and node.id in _parameters(function):
                yield from ((CALL, step) for step in self._callers.get(getattr(function, "name", ""), ()))
        for deciding in _deciding(module, statement):
            if step := self._steps.get(id(deciding)):
                yield CONTROL, step


def _name(func: ast.expr) -> str:
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def _is_mutated(module: Module, node: ast.Attribute) -> bool:
    """Whether the object in the attribute may be changed here: `x.attr.append(y)`, `x.attr[y] = z`."""
    above = module.parents[node]
    if isinstance(above, ast.Subscript):
        return above.value is node and isinstance(above.ctx, ast.Store | ast.Del)
    return isinstance(above, ast.Attribute) and isinstance(module.parents[above], ast.Call)


def _parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    arguments = function.args
    return {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)} - {"self", "cls"}


def _deciding(module: Module, statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statements whose conditions decide whether this one is reached: those around it, and those before it in its
    blocks that may leave."""
    below: ast.AST = statement
    while isinstance(below, (ast.stmt, ast.ExceptHandler, ast.match_case)) and not isinstance(below, FUNCTIONS):
        block = module.blocks.get(below, []) if isinstance(below, ast.stmt) else []
        for before in block[: block.index(below)] if isinstance(below, ast.stmt) and block else ():
            if isinstance(before, ast.If) and any(isinstance(node, _LEAVES) for node in ast.walk(before)):
                yield before
        below = module.parents[below]
        if isinstance(below, ast.stmt) and not isinstance(below, (*FUNCTIONS, ast.ClassDef)):
            yield below


def _lines(statement: ast.stmt) -> range:
    return range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
