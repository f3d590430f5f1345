"""The ways in which a bug is planted: slips of one edit that a programmer makes.

Written apart from the engine's own families (coder/repair/candidates), from which nothing is imported here. A rule
takes one node of a function and yields changes of the text; which of them is planted is for the seed to decide.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

Change = tuple[int, int, str]
"""Bytes [start, end) of the file and what is to stand there."""
Function = ast.FunctionDef | ast.AsyncFunctionDef

COMPARISONS = {"<": ("<=", ">"), "<=": ("<", ">="), ">": (">=", "<"), ">=": (">", "<="), "==": ("!=",), "!=": ("==",)}
COMPARISONS |= {"is not": ("is",), "is": ("is not",), "not in": ("in",), "in": ("not in",)}
ARITHMETIC = {"+": ("-",), "-": ("+",), "*": ("+", "//"), "//": ("/", "%"), "/": ("*",), "%": ("//",), "**": ("*",)}
ARITHMETIC |= {"<<": (">>",), ">>": ("<<",), "&": ("|",), "|": ("&",)}
AUGMENTED = {"+=": ("-=", "="), "-=": ("+=", "="), "*=": ("+=",), "//=": ("/=",), "|=": ("&=", "=")}
TWINS = {
    "append": "extend", "extend": "append", "lstrip": "rstrip", "rstrip": "lstrip", "lower": "upper", "upper": "lower",
    "startswith": "endswith", "endswith": "startswith", "find": "rfind", "rfind": "find", "split": "rsplit",
    "keys": "values", "values": "keys", "min": "max", "max": "min", "any": "all", "all": "any", "add": "discard",
    "popleft": "pop", "appendleft": "append", "union": "intersection", "search": "match", "match": "search",
    "index": "rindex", "ljust": "rjust", "rjust": "ljust", "start": "end", "end": "start", "partition": "rpartition",
}  # fmt: skip
ERRORS = {"KeyError": "IndexError", "IndexError": "KeyError", "TypeError": "ValueError", "ValueError": "TypeError"}
ERRORS |= {"AttributeError": "KeyError", "StopIteration": "IndexError"}
SIMPLE = (ast.Expr, ast.AugAssign, ast.Assign)
LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True)
class Place:
    """A node with the function and the text that it stands in."""

    node: ast.AST
    function: Function
    text: Text

    def replace(self, node: ast.AST, new: str) -> Change:
        start, end = self.text.span(node)
        return start, end, new

    def removed(self, statement: ast.stmt) -> Iterator[Change]:
        """The statement's lines taken out, or `pass` in its place where nothing else stands in the block."""
        blocks = (value for node in ast.walk(self.function) for _, value in ast.iter_fields(node))
        block = next(value for value in blocks if isinstance(value, list) and statement in value)
        start, end = self.text.span(statement)
        if len(block) == 1:
            yield start, end, "pass"
        elif not self.text.source[(first := self.text.line_start(start)) : start].strip():
            after = self.text.source.find(b"\n", end) + 1
            if after and not self.text.source[end:after].strip():
                yield first, after, ""

    @cached_property
    def locals(self) -> list[str]:
        """Names bound in the function, its parameters first."""
        arguments = self.function.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        names += [n.id for n in ast.walk(self.function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        return [name for name in dict.fromkeys(names) if name not in ("self", "cls", "_")]


class Text:
    """A file in which places are bytes, as the syntax tree has them."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self._starts = [0, *(match.end() for match in re.finditer(b"\n", source))]

    def span(self, node: ast.AST) -> tuple[int, int]:
        start = self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def of(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.source[start:end].decode()

    def line(self, place: int) -> int:
        return self.source.count(b"\n", 0, place) + 1

    def line_start(self, place: int) -> int:
        return self.source.rfind(b"\n", 0, place) + 1

    def between(self, first: ast.AST, second: ast.AST, swaps: Mapping[str, tuple[str, ...]]) -> Iterator[Change]:
        """The operator between two nodes, each time with one of its replacements."""
        begin, stop = self.span(first)[1], self.span(second)[0]
        gap = self.source[begin:stop].decode()
        words = (rf"\b{w}\b" if w[0].isalpha() else re.escape(w) for w in sorted(swaps, key=len, reverse=True))
        if "#" not in gap and (match := re.search("|".join(words), gap)):
            at = begin + len(gap[: match.start()].encode())
            for new in swaps[match[0]]:
                yield at, at + len(match[0].encode()), new


Rule = Callable[[Place], Iterator[Change]]
RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return register


@rule("comparison")
def comparison(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.Compare) and len(place.node.ops) == 1:
        yield from place.text.between(place.node.left, place.node.comparators[0], COMPARISONS)


@rule("arithmetic")
def arithmetic(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.BinOp) and not isinstance(place.node.left, ast.Constant | ast.JoinedStr):
        yield from place.text.between(place.node.left, place.node.right, ARITHMETIC)


@rule("augmented assignment")
def augmented(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.AugAssign):
        yield from place.text.between(place.node.target, place.node.value, AUGMENTED)


@rule("boolean")
def boolean(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.BoolOp) and len(place.node.values) == 2:
        yield from place.text.between(*place.node.values, {"and": ("or",), "or": ("and",)})


@rule("dropped condition")
def dropped_condition(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.BoolOp):
        values = place.node.values
        (start, _), (_, end) = place.text.span(values[0]), place.text.span(values[-1])
        if place.text.span(place.node) != (start, end):
            return  # one of them stands in parentheses
        yield start, place.text.span(values[1])[0], ""
        yield place.text.span(values[-2])[1], end, ""


@rule("dropped not")
def dropped_not(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.UnaryOp) and isinstance(place.node.op, ast.Not):
        yield place.replace(place.node, place.text.of(place.node.operand))


@rule("negated condition")
def negated(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.If | ast.While | ast.IfExp) and not isinstance(place.node.test, ast.NamedExpr):
        yield place.replace(place.node.test, f"not ({place.text.of(place.node.test)})")


@rule("off by one")
def off_by_one(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Constant) and type(node.value) is int and place.text.of(node).isdecimal():
        yield place.replace(node, str(node.value + 1))
        if node.value:
            yield place.replace(node, str(node.value - 1))
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("len", "range")
        and node.args
    ):
        last = node if node.func.id == "len" else node.args[-1]
        yield place.replace(last, f"{place.text.of(last)} - 1")


@rule("flipped flag")
def flipped(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.Constant) and isinstance(place.node.value, bool):
        yield place.replace(place.node, str(not place.node.value))


@rule("swapped arguments")
def swapped(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.Call) and not any(isinstance(a, ast.Starred) for a in place.node.args):
        for first, second in zip(place.node.args, place.node.args[1:], strict=False):
            one, two = place.text.of(first), place.text.of(second)
            (start, end), (begin, stop) = place.text.span(first), place.text.span(second)
            if one != two:
                yield start, stop, two + place.text.source[end:begin].decode() + one


@rule("wrong variable")
def wrong_variable(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in place.locals:
        for other in place.locals:
            if other != node.id:
                yield place.replace(node, other)


@rule("lost return value")
def lost_return(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.Return) and place.node.value is not None:
        yield place.replace(place.node, "return")


@rule("lost statement")
def lost_statement(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, SIMPLE) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        yield from place.removed(node)


@rule("lost guard")
def lost_guard(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.If) and not node.orelse and len(node.body) == 1 and isinstance(node.body[0], LEAVING):
        yield from place.removed(node)


@rule("lost slice")
def lost_slice(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.Subscript) and isinstance(place.node.slice, ast.Slice):
        yield place.replace(place.node, place.text.of(place.node.value))


@rule("lost bound")
def lost_bound(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.Slice):
        for bound in (place.node.lower, place.node.upper):
            if bound is not None and not isinstance(bound, ast.BinOp | ast.IfExp):
                yield place.replace(bound, "")


@rule("lost call")
def lost_call(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1 and not node.keywords:
        if not isinstance(node.args[0], ast.GeneratorExp | ast.Starred):
            yield place.replace(node, place.text.of(node.args[0]))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args and not node.keywords:
        yield place.replace(node, place.text.of(node.func.value))


@rule("lost argument")
def lost_argument(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Call) and len(given := [*node.args, *node.keywords]) > 1:
        yield place.text.span(given[-2])[1], place.text.span(given[-1])[1], ""


@rule("twin name")
def twin(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TWINS:
        end = place.text.span(node.func)[1]
        yield end - len(node.func.attr), end, TWINS[node.func.attr]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("min", "max", "any", "all"):
        yield place.replace(node.func, TWINS[node.func.id])


@rule("wrong end")
def wrong_end(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.Subscript):
        swaps = {"0": "-1", "-1": "0"}
        if (index := place.text.of(place.node.slice)) in swaps:
            yield place.replace(place.node.slice, swaps[index])


@rule("wrong jump")
def wrong_jump(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.Break | ast.Continue):
        yield place.replace(place.node, "pass")
        yield place.replace(place.node, "continue" if isinstance(place.node, ast.Break) else "break")


@rule("wrong exception")
def wrong_exception(place: Place) -> Iterator[Change]:
    node = place.node
    caught = node.type if isinstance(node, ast.ExceptHandler) else None
    raised = node.exc.func if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else None
    for name in (caught, raised):
        if isinstance(name, ast.Name) and name.id in ERRORS:
            yield place.replace(name, ERRORS[name.id])


@rule("lost yield from")
def lost_yield_from(place: Place) -> Iterator[Change]:
    if isinstance(place.node, ast.YieldFrom):
        yield place.replace(place.node, f"yield {place.text.of(place.node.value)}")


@rule("swapped operands")
def swapped_operands(place: Place) -> Iterator[Change]:
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Div | ast.FloorDiv | ast.Mod):
        (start, end), (begin, stop) = place.text.span(node.left), place.text.span(node.right)
        one, two = place.text.of(node.left), place.text.of(node.right)
        if (
            one != two
            and place.text.span(node) == (start, stop)
            and not isinstance(node.left, ast.BinOp | ast.Constant)
        ):
            yield start, stop, two + place.text.source[end:begin].decode() + one
