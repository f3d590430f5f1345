"""Operators exchanged, turned round or taken out: comparison, arithmetic, bits, assignment, and/or."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from coder.repair.grammar import BINARY, BINARY_LEVEL, BIT_OR, COMPARISON, OR, bind
from coder.repair.site import Edit, Site, shown

# For each operator what it is most often mistaken for, likeliest first.
_COMPARISONS = {
    "<": ("<=", ">", ">=", "!=", "=="),
    "<=": ("<", ">=", ">", "==", "!="),
    ">": (">=", "<", "<=", "!=", "=="),
    ">=": (">", "<=", "<", "==", "!="),
    "==": ("!=", "is", ">=", "<=", "in", ">", "<"),
    "!=": ("==", "is not", "<", ">", "not in"),
    "is": ("is not", "==", "in"),
    "is not": ("is", "!=", "not in"),
    "in": ("not in", "=="),
    "not in": ("in", "!="),
}
_ARITHMETIC = {
    "+": ("-", "*", "%", "//", "|"),
    "-": ("+", "*", "//", "%", "/"),
    "*": ("+", "/", "**", "//", "-"),
    "/": ("//", "*", "-", "%"),
    "//": ("/", "%", "*", "-"),
    "%": ("//", "*", "/", "-", "+"),
    "**": ("*", "+", "//"),
    "@": ("*",),
    "<<": (">>", "+", "*"),
    ">>": ("<<", "-", "//"),
    "|": ("&", "^", "+", "-"),
    "&": ("|", "^", "-"),
    "^": ("|", "&", "**"),
}
_AUGMENTED = {
    "+=": ("-=", "=", "*=", "|="),
    "-=": ("+=", "=", "//=", "/="),
    "*=": ("+=", "/=", "=", "**="),
    "/=": ("//=", "*=", "=", "-="),
    "//=": ("/=", "*=", "=", "%="),
    "%=": ("//=", "-=", "="),
    "**=": ("*=", "="),
    "<<=": (">>=", "="),
    ">>=": ("<<=", "="),
    "|=": ("&=", "=", "^=", "+="),
    "&=": ("|=", "=", "^="),
    "^=": ("|=", "&=", "="),
}
_STEP = 0.4  # nats lost by each further choice
_JOINED = 1.0  # nats for the other order of what is known to be joined and not added up


def edits(site: Site) -> Iterator[Edit]:
    for node in site.loads:
        if isinstance(node, ast.Compare):
            yield from _comparison(site, node)
        elif isinstance(node, ast.BinOp):
            yield from _binary(site, node)
        elif isinstance(node, ast.BoolOp):
            yield from _boolean(site, node)
        elif isinstance(node, ast.UnaryOp) and not isinstance(node.op, ast.Not):
            yield site.replace(node, site.text(node.operand), "negate")
    yield from _assignment(site)


def _token(site: Site, left: ast.expr, right: ast.expr, operator: str) -> tuple[int, int] | None:
    start, end = site.module.span(left)[1], site.module.span(right)[0]
    pattern = r"\s+".join(operator.split()) if operator[0].isalpha() else "".join(f"\\{c}" for c in operator)
    return site.module.find_between(start, end, pattern)


def _comparison(site: Site, node: ast.Compare) -> Iterator[Edit]:
    sides = [node.left, *node.comparators]
    for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
        old = COMPARISON[type(operator)]
        place = _token(site, left, right, old)
        if place is None:
            continue
        for rank, new in enumerate(_COMPARISONS[old]):
            yield site.splice(*place, new, "compare", _in(site, node, old, new), -_STEP * rank)
    if len(node.ops) == 1:
        yield from _sides(site, node, node.left, node.comparators[0], COMPARISON[type(node.ops[0])])
    elif len(node.ops) == 2:  # a < b < c: either half alone
        middle = node.comparators[0]
        start, end = site.module.span(node)
        yield site.splice(start, site.module.span(middle)[0], "", "operand-drop")
        yield site.splice(site.module.span(middle)[1], end, "", "operand-drop")


def _sides(site: Site, node: ast.expr, left: ast.expr, right: ast.expr, operator: str) -> Iterator[Edit]:
    """The operands exchanged, for an operator that minds."""
    if operator in ("==", "!=", "is", "is not", "*", "|", "&", "^"):
        return
    bonus = 0.0
    if operator == "+":
        ordered = {site.types.is_ordered(side) for side in (left, right)}
        if False in ordered:
            return
        bonus = _JOINED if True in ordered else 0.0
    need = BINARY_LEVEL[operator] + 1 if operator in BINARY_LEVEL else BIT_OR
    text = f"{bind(site.text(right), need)} {operator} {bind(site.text(left), need)}"
    yield site.replace(node, text, "operand-swap", bonus)


def _in(site: Site, node: ast.expr, old: str, new: str) -> str:
    return f"{shown(old)} becomes {shown(new)} in {shown(site.module.segment(node))}"


def _binary(site: Site, node: ast.BinOp) -> Iterator[Edit]:
    old, _ = BINARY[type(node.op)]
    place = _token(site, node.left, node.right, old)
    left, right = site.text(node.left), site.text(node.right)
    for rank, new in enumerate(_ARITHMETIC[old] if place else ()):
        need = BINARY_LEVEL[new]
        note = _in(site, node, old, new)
        kind = "bits" if old in "<<>>|&^" else "arithmetic"
        yield site.splice(*(place or (0, 0)), new, kind, note, -_STEP * rank)
        grouped = f"{bind(left, need)} {new} {bind(right, need + 1)}"
        yield site.replace(node, grouped, kind, -_STEP * rank - 0.5, note)
    yield from _sides(site, node, node.left, node.right, old)
    yield site.replace(node, left, "operand-drop")
    yield site.replace(node, right, "operand-drop", -0.3)
    yield from _regrouped(site, node)


def _regrouped(site: Site, node: ast.BinOp) -> Iterator[Edit]:
    """a + b * c <-> (a + b) * c: brackets forgotten, or too many."""
    operator, _ = BINARY[type(node.op)]
    left, right = site.text(node.left), site.text(node.right)
    if isinstance(node.right, ast.BinOp):
        inner, _ = BINARY[type(node.right.op)]
        first, last = site.text(node.right.left), site.text(node.right.right)
        yield site.replace(node, f"({left} {operator} {first}) {inner} {last}", "regroup")
    if isinstance(node.left, ast.BinOp):
        inner, _ = BINARY[type(node.left.op)]
        first, last = site.text(node.left.left), site.text(node.left.right)
        yield site.replace(node, f"{first} {inner} ({last} {operator} {right})", "regroup")


def _boolean(site: Site, node: ast.BoolOp) -> Iterator[Edit]:
    old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    texts = [bind(site.text(value), OR + 2) for value in node.values]
    yield site.replace(node, f" {new} ".join(texts), "boolean", note=_in(site, node, old, new))
    for left, right in zip(node.values, node.values[1:], strict=False):
        place = _token(site, left, right, rf"{old}")
        if place is not None:
            yield site.splice(*place, new, "boolean", _in(site, node, old, new))
    if len(node.values) == 2:
        yield site.replace(node, f" {old} ".join(reversed(texts)), "operand-swap", -0.5)


def _of_the_other(site: Site, statement: ast.AugAssign) -> Iterator[Edit]:
    """`size[a] += 1` -> `size[a] += size[b]`: as much as another one has."""
    inner = [node for node in ast.walk(statement.target) if isinstance(node, ast.Name) and node is not statement.target]
    start, end = site.module.span(statement.target)
    for node in inner:
        first, last = site.module.span(node)
        for rank, name in enumerate(name for name in site.variables_at(statement)[:8] if name != node.id):
            text = site.module.text[start:first] + name + site.module.text[last:end]
            yield site.replace(statement.value, text, "target-twin", -0.2 * rank)


def _assignment(site: Site) -> Iterator[Edit]:
    statement, module = site.statement, site.module
    if isinstance(statement, ast.AugAssign):
        old = BINARY[type(statement.op)][0] + "="
        place = _token(site, statement.target, statement.value, old)
        for rank, new in enumerate(_AUGMENTED.get(old, ()) if place else ()):
            yield site.splice(*(place or (0, 0)), new, "augmented", "", -_STEP * rank)
        yield from _of_the_other(site, statement)
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        place = _token(site, target, statement.value, "=")
        if place and isinstance(target, (ast.Name, ast.Attribute, ast.Subscript)):
            start, end = place
            for rank, new in enumerate(("+=", "-=", "|=", "*=")):
                yield site.splice(start, end, new, "augmented", "", -0.5 - _STEP * rank)
            if isinstance(statement.value, ast.Name):
                swapped = f"{site.text(statement.value)} = {module.segment(target)}"
                yield site.splice(*module.span(statement), swapped, "operand-swap", "", -1.0)
