"""Indices, slices and ranges: where something starts, stops and in which order it runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from coder.repair.grammar import ATOM, bind, stepped
from coder.repair.site import Edit, Site

_SLICES = ("[1:]", "[:-1]", "[::-1]", "[0]", "[-1]", "[:1]", "[:]", "[1]", "[2:]", "[:2]", "[1:-1]", "[:-2]", "[::2]")


def edits(site: Site) -> Iterator[Edit]:
    for node in site.loads:
        if isinstance(node, ast.Subscript):
            yield from _subscript(site, node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
            yield from _range(site, node)
        if _sliceable(site, node) and not site.is_definition(node):
            text = bind(site.text(node), ATOM)
            for rank, slice_text in enumerate(_SLICES):
                yield site.replace(node, text + slice_text, "slice-add", -0.15 * rank)
            for rank, name in enumerate(_near_names(site, node)):
                yield site.replace(node, f"{text}[{name}:]", "slice-add", -0.6 - 0.15 * rank)
                yield site.replace(node, f"{text}[:{name}]", "slice-add", -0.6 - 0.15 * rank)
                yield site.replace(node, f"{text}[{name}:-{name}]", "slice-add", -1.0 - 0.15 * rank)
                yield site.replace(node, f"{text}[{name}]", "index-add", -0.15 * rank)
            for rank, slice_text in enumerate(_seen_slices(site, node)):
                yield site.replace(node, f"{text}[{slice_text}]", "slice-add", -0.3 - 0.1 * rank)
    for target in site.statement.targets if isinstance(site.statement, ast.Delete) else ():
        if isinstance(target, (ast.Name, ast.Attribute)):
            yield site.replace(target, f"{site.text(target)}[:]", "slice-add")
    for node in site.expressions:
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
            yield from _index(site, node)


def _sliceable(site: Site, node: ast.expr) -> bool:
    parent = site.parent(node)
    if isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
        if isinstance(parent, (ast.Call, ast.Attribute)):
            return not site.is_called(node)
        if isinstance(parent, ast.Subscript):
            return node is parent.slice
        places = (ast.For, ast.AsyncFor, ast.comprehension, ast.Return, ast.Assign, ast.Compare, ast.BinOp)
        return isinstance(
            parent, (*places, ast.AugAssign, ast.Starred, ast.Yield, ast.YieldFrom, ast.Tuple, ast.keyword, ast.IfExp)
        )
    return False


def _near_names(site: Site, node: ast.expr) -> list[str]:
    """Variables and counts to cut at: those of the statement first."""
    near = {below.id for below in ast.walk(site.statement) if isinstance(below, ast.Name)}
    own = site.text(node)
    names = [name for name in site.variables_at(node) if name not in (own, "self", "cls")]
    return sorted(names, key=lambda name: name not in near)[:12]


def _seen_slices(site: Site, node: ast.expr) -> list[str]:
    """What the file cuts elsewhere, as far as it can be said here."""
    visible = {known.name for known, _ in site.names_at(node)} | {"len"}
    return [text for text, names in site.inventory.slices.items() if names <= visible and len(text) < 40][:20]


def _subscript(site: Site, node: ast.Subscript) -> Iterator[Edit]:
    yield site.replace(node, site.text(node.value), "slice-drop")
    if isinstance(node.slice, ast.Slice):
        yield from _slice(site, node, node.slice)
    else:
        yield from _index(site, node)
        index = site.text(node.slice)
        value = bind(site.text(node.value), ATOM)
        if isinstance(node.slice, (ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp)):
            yield site.replace(node, f"{value}[{index}:]", "slice-add", -0.5)
            yield site.replace(node, f"{value}[:{index}]", "slice-add", -0.5)


def _index(site: Site, node: ast.Subscript) -> Iterator[Edit]:
    index = node.slice
    if isinstance(index, ast.Slice):
        yield from _slice(site, node, index)
    elif isinstance(index, (ast.Name, ast.BinOp, ast.Attribute, ast.Call)):
        yield site.replace(index, stepped(site.text(index), -1), "index-step")
        yield site.replace(index, stepped(site.text(index), 1), "index-step")
    elif isinstance(index, ast.Constant) and isinstance(index.value, int):
        yield site.replace(index, "-1" if index.value != -1 else "0", "index-step")
    elif isinstance(index, ast.UnaryOp) and isinstance(index.operand, ast.Constant):
        yield site.replace(index, "0", "index-step")
    if isinstance(index, ast.Tuple) and len(index.elts) == 2:
        first, second = (site.text(element) for element in index.elts)
        yield site.replace(index, f"{second}, {first}", "element-swap")


def _slice(site: Site, node: ast.Subscript, part: ast.Slice) -> Iterator[Edit]:
    lower, upper, step = (site.text(p) if p else "" for p in (part.lower, part.upper, part.step))
    place = site.module.span(part)

    def put(low: str, high: str, stride: str, kind: str, bonus: float = 0.0) -> Edit:
        return site.splice(*place, f"{low}:{high}" + (f":{stride}" if stride else ""), kind, "", bonus)

    if not (lower or upper or step):  # a copy, or what is cut off was forgotten
        for rank, text in enumerate(_seen_slices(site, node)):
            yield site.splice(*place, text, "bound-add", "", 0.3 - 0.1 * rank)
        for rank, name in enumerate(site.variables_at(node)[:8]):
            yield put(f"-{name}", "", "", "bound-add", -0.8 - 0.1 * rank)
    if lower:
        yield put("", upper, step, "bound-drop")
        yield from (put(stepped(lower, by), upper, step, "bound-step") for by in (1, -1))
    else:
        yield put("1", upper, step, "bound-add")
    if upper:
        yield put(lower, "", step, "bound-drop")
        yield from (put(lower, stepped(upper, by), step, "bound-step") for by in (1, -1))
        if not upper.startswith("-"):
            yield put(lower, f"-{bind(upper, ATOM)}", step, "negate")
    else:
        yield put(lower, "-1", step, "bound-add")
        for rank, name in enumerate(site.variables_at(node)[:8]):
            yield put(lower, name, step, "bound-add", -0.5 - 0.1 * rank)
    if not lower:
        for rank, name in enumerate(site.variables_at(node)[:8]):
            yield put(name, upper, step, "bound-add", -0.5 - 0.1 * rank)
    if lower and upper:
        yield put(upper, lower, step, "operand-swap")
    if bool(lower) != bool(upper):
        yield put(upper, lower, step, "bound-move")
    if step:
        yield put(lower, upper, "", "bound-drop")
        if part.step is not None:
            yield site.replace(part.step, f"-{bind(step, ATOM)}", "negate")
    else:
        yield put(lower, upper, "-1", "reverse")
        yield put(lower, upper, "2", "bound-add", -1.0)


def _range(site: Site, node: ast.Call) -> Iterator[Edit]:
    texts = [site.text(argument) for argument in node.args]
    if not texts or node.keywords or len(texts) > 3:
        return
    start, stop = (texts[0], texts[1]) if len(texts) > 1 else ("0", texts[0])
    step = texts[2] if len(texts) == 3 else ""
    tail = f", {step}" if step else ""
    more, less = stepped(stop, 1), stepped(stop, -1)
    forms = [f"{start}, {more}{tail}", f"{start}, {less}{tail}"] if len(texts) > 1 else []
    forms += [more, less, f"1, {stop}", f"1, {more}"] if len(texts) == 1 else []
    forms += [f"{stepped(start, by)}, {stop}{tail}" for by in (1, -1)] if len(texts) > 1 else []
    forms += [stop] if len(texts) > 1 else [f"len({stop})", f"{less}, -1, -1", f"0, {stop}, 2"]
    if len(texts) == 2:
        forms += [f"{start}, {stop}, -1", f"{start}, {stop}, 2", f"{stop}, {start}, -1"]
    if len(texts) == 3:
        forms += [f"{start}, {stop}"]
    for rank, form in enumerate(forms):
        yield site.replace(node, f"range({form})", "range-bound", -0.15 * rank)
