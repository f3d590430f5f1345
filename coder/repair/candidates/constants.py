"""Literals: numbers, flags, None, strings and empty containers."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from itertools import islice, pairwise

from coder.repair.grammar import UNARY, bind, stepped
from coder.repair.site import Edit, Site

_NUMBERS_IN = (ast.Compare, ast.Return, ast.Lambda, ast.Slice, ast.AugAssign, ast.Assign, ast.IfExp, ast.Tuple)
_EMPTY = ("None", "[]", "{}", "()", "0", "''", "set()", "False")


def edits(site: Site) -> Iterator[Edit]:
    for node in site.loads:
        if isinstance(node, ast.Constant) and not isinstance(site.parent(node), ast.Expr):
            yield from _constant(site, node)
        elif isinstance(node, (ast.List, ast.Dict, ast.Tuple)) and not site.module.segment(node)[1:-1].strip():
            yield from _other_empty(site, node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args and not node.keywords:
            if node.func.id in ("set", "list", "dict", "tuple", "str", "int"):
                yield from _other_empty(site, node)
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)) and len(node.elts) > 1:
            yield from _elements(site, node)
    yield from _stepped(site)


def _constant(site: Site, node: ast.Constant) -> Iterator[Edit]:
    value = node.value
    if isinstance(value, bool):
        yield site.replace(node, str(not value), "bool")
        yield site.replace(node, "None", "none", -1.0)
    elif value is None:
        for rank, text in enumerate(("0", "''", "[]", "{}", "()", "False", "True", "1")):
            yield site.replace(node, text, "none", -0.3 * rank)
    elif isinstance(value, (int, float)):
        yield from _number(site, node)
    elif isinstance(value, str):
        yield from _string(site, node, value)
    elif isinstance(value, bytes):
        near = [v for v in (value.strip(), value[:-1], value[1:], b"") if v != value]
        yield from (site.replace(node, repr(v), "string") for v in near)
    yield from _name_for(site, node)


def _number(site: Site, node: ast.Constant) -> Iterator[Edit]:
    whole, value = site.number(node)
    if isinstance(value, int):
        yield from _integer(site, whole, value)
        return
    for number in (value + 1, value - 1, -value, 0.0, 1.0, value * 10, value / 10, value * 2, value / 2):
        yield site.replace(whole, repr(number), "float")
    if value.is_integer():
        yield site.replace(whole, str(int(value)), "float")


def _integer(site: Site, node: ast.expr, value: int) -> Iterator[Edit]:
    yield site.replace(node, str(value + 1), "int-step")
    parent = site.parent(node)
    if value == 1 and isinstance(parent, ast.BinOp) and _added(site, node):
        yield site.replace(parent, site.text(parent.left), "int-step")
    else:
        yield site.replace(node, str(value - 1), "int-step")
    yield site.replace(node, str(-value), "negate", -0.5)
    for rank, other in enumerate((0, 1, -1, 2, value * 2, value // 2, value * 10, value // 10)):
        if abs(other - value) > 1:
            yield site.replace(node, str(other), "int-value", -0.2 * rank)
    seen = [number for number, _ in site.inventory.integers.most_common(12)]
    yield from (site.replace(node, str(number), "int-value", -1.0) for number in seen if abs(number - value) > 1)
    yield site.replace(node, "None", "none", -1.0)


def _string(site: Site, node: ast.Constant, value: str) -> Iterator[Edit]:
    old = site.module.segment(node)
    forms = [value.strip(), value.lower(), value.upper(), "", value + " ", value[:-1], value[1:], value + "s"]
    forms += [" ", ", ", "\n"] if len(value) <= 2 else [value.replace("_", "-"), value.replace("-", "_")]
    for rank, text in enumerate(dict.fromkeys(forms)):
        if text != value and len(text) < 200:
            yield site.replace(node, literal(text, old), "string", -0.2 * rank)
    others = [text for text in site.inventory.strings if text != value and len(text) < 80]
    near = difflib.get_close_matches(value, others, n=5, cutoff=0.6) if len(value) < 80 else []
    for rank, text in enumerate(near):
        yield site.replace(node, literal(text, old), "string-near", -0.2 * rank)
    rest = sorted((abs(len(text) - len(value)), text) for text in set(others) - set(near))
    for _, text in islice(rest, 12):
        yield site.replace(node, literal(text, old), "string-near", -1.5)


def literal(text: str, like: str) -> str:
    """A string literal in the same quotes and with the same prefix as another one."""
    quote = like[-1]
    body = repr(text)[1:-1]
    if repr(text)[0] == "'":
        body = body.replace("\\'", "'")
    body = body.replace(quote, "\\" + quote) if quote == '"' or "'" in body else body
    prefix = like[: len(like) - len(like.lstrip("rRbBuUfF"))]
    if "r" in prefix.lower() and "\\" in body:
        raw = f"{prefix}{quote}{text}{quote}"
        return raw if quote not in text and "\n" not in text and not text.endswith("\\") else repr(text)
    return f"{prefix}{quote}{body}{quote}"


def _other_empty(site: Site, node: ast.expr) -> Iterator[Edit]:
    old = site.module.segment(node)
    yield from (site.replace(node, text, "none", -0.3) for text in _EMPTY if text != old)


def _elements(site: Site, node: ast.List | ast.Tuple | ast.Set) -> Iterator[Edit]:
    """Neighbours exchanged, one element left out."""
    spans = [site.module.span(element) for element in node.elts]
    text = site.module.text
    for (start, end), (after, stop) in pairwise(spans):
        swapped = text[after:stop] + text[end:after] + text[start:end]
        yield site.splice(start, stop, swapped, "element-swap")
        yield site.splice(start, after, "", "element-drop")
    yield site.splice(spans[-2][1], spans[-1][1], "", "element-drop")


def _name_for(site: Site, node: ast.Constant) -> Iterator[Edit]:
    """A variable where a literal stands."""
    if isinstance(site.parent(node), (ast.arguments, ast.JoinedStr, ast.Dict)):
        return
    for rank, name in enumerate(site.variables_at(node)[:12]):
        yield site.replace(node, name, "name-for-constant", -0.1 * rank)


def _stepped(site: Site) -> Iterator[Edit]:
    """One more or one less of something that is counted."""
    for node in site.loads:
        if isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.BinOp, ast.Subscript)) and _counts(site, node):
            yield site.replace(node, stepped(site.text(node), 1), "step")
            yield site.replace(node, stepped(site.text(node), -1), "step")
        is_part = isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice)
        is_single = is_part or isinstance(node, (ast.Name, ast.Attribute, ast.Call))
        if is_single and _counts(site, node) and not _added(site, node):
            yield site.replace(node, f"-{bind(site.text(node), UNARY)}", "negate", -0.7)


def _added(site: Site, node: ast.expr) -> bool:
    """Whether the value is added to another or taken from it: then the other sign is the other operator."""
    parent = site.parent(node)
    sums = isinstance(parent, (ast.BinOp, ast.AugAssign)) and isinstance(parent.op, (ast.Add, ast.Sub))
    return sums and node is (parent.value if isinstance(parent, ast.AugAssign) else getattr(parent, "right", None))


def _counts(site: Site, node: ast.expr) -> bool:
    """Whether the value is used where a number may stand: not called, not looked into."""
    parent = site.parent(node)
    if site.is_definition(node):
        return False
    if isinstance(parent, _NUMBERS_IN):
        return True
    if isinstance(parent, ast.BinOp):
        return isinstance(parent.op, (ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Add, ast.Sub))
    if isinstance(parent, ast.Subscript):
        return node is parent.slice
    return isinstance(parent, (ast.Call, ast.keyword)) and not site.is_called(node)
