"""Guards put before a statement, or an expression guarded in place: None, empty, zero, a missing key."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from coder.repair.candidates.conditions import predicates
from coder.repair.candidates.names import likeness
from coder.repair.grammar import AND, ATOM, LAMBDA, NAMED, bind
from coder.repair.scope import own_nodes, returned
from coder.repair.site import Edit, Site, shown
from coder.repair.source import FUNCTIONS

_CONDITIONS = ("{} is None", "not {}", "{}", "{} == 0", "{} < 0", "len({}) <= 1", "{} <= 0")


def edits(site: Site) -> Iterator[Edit]:
    if site.function is not None:
        for anchor in _anchors(site):
            yield from _returns(site, anchor)
            yield from _raises(site, anchor)
            yield from _defaults(site, anchor)
    yield from _in_loop(site)
    for node in site.loads:
        yield from _in_place(site, node)
    yield from _wrapped(site)


def _anchors(site: Site) -> list[ast.stmt]:
    """Where a guard can stand: before the statement, and at the start of its function."""
    function, statement = site.function, site.statement
    if function is None:
        return []
    anchors = [] if isinstance(statement, FUNCTIONS) else [statement]
    first = site.opening
    if first is not None and first not in anchors and (not anchors or function.lineno + 12 > statement.lineno):
        anchors.append(first)
    return [anchor for anchor in anchors if site.module.starts_line(anchor)]


def _unit(site: Site, anchor: ast.stmt) -> str:
    """One level of indentation as the function writes it."""
    if site.function is not None:
        inner = site.module.indent_of(site.function.body[0])
        outer = site.module.indent_of(site.function)
        if inner.startswith(outer) and len(inner) > len(outer):
            return inner[len(outer) :]
    return "\t" if "\t" in site.module.indent_of(anchor) else "    "


def _subjects(site: Site, anchor: ast.stmt) -> list[str]:
    """The variables a guard may ask about: those the statement reads, then the parameters."""
    near = [n.id for n in ast.walk(site.statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    names = site.variables_at(anchor)
    ordered = [name for name in dict.fromkeys(near) if name in names]
    ordered += [name for name in names if name not in ordered]
    return [name for name in ordered if name not in ("self", "cls")][:5]


def _results(site: Site, subjects: list[str]) -> list[str]:
    """What the function could give back early."""
    own = [site.text(value) for value in returned(site.function)]
    return list(
        dict.fromkeys(
            [text for text in own if len(text) < 40]
            + ["None", *subjects[:2], "[]", "0", "False", "True", "''", "{}", "1"]
        )
    )


def _returns(site: Site, anchor: ast.stmt) -> Iterator[Edit]:
    subjects, unit = _subjects(site, anchor), _unit(site, anchor)
    generator = site.function and any(isinstance(n, (ast.Yield, ast.YieldFrom)) for n in own_nodes(site.function))
    results = [""] if generator else _results(site, subjects)
    conditions = [
        (form.format(name), -0.3 * place - 0.25 * rank)
        for place, name in enumerate(subjects)
        for rank, form in enumerate(_CONDITIONS)
    ]
    conditions += [(text, bonus - 0.5) for text, bonus in predicates(site, anchor)[:8]]
    for condition, bonus in conditions:
        for rank, result in enumerate(results[: 8 if bonus > -0.7 else 3]):
            lines = [f"if {condition}:", f"{unit}return {result}".rstrip()]
            edit = site.insert_before(anchor, lines, "guard-return", bonus - 0.15 * rank)
            if edit:
                yield edit


def _raises(site: Site, anchor: ast.stmt) -> Iterator[Edit]:
    if not any("RAISE" in text or "not raised" in text for text in site.clues.messages):
        return
    expected = {m.group(1) for m in site.clues.search(r"DID NOT RAISE <class '(?:[\w.]*\.)?(\w+)'>")}
    expected |= {m.group(1) for m in site.clues.search(r"(?:DID NOT RAISE )?(\w+)(?: not raised)")}
    unit, subjects = _unit(site, anchor), _subjects(site, anchor)
    own = [site.module.inline(raised.exc) for raised in site.inventory.raises if raised.exc is not None]
    kinds = [text for text in dict.fromkeys(own) if any(text.startswith(name) for name in expected)][:3]
    kinds += [f"{name}('invalid {subjects[0]}')" if subjects else f"{name}()" for name in sorted(expected)]
    conditions = [form.format(name) for name in subjects for form in _CONDITIONS]
    conditions += [text for text, _ in predicates(site, anchor)[:16]]
    for rank, condition in enumerate(dict.fromkeys(conditions)):
        for text in kinds[:3]:
            lines = [f"if {condition}:", f"{unit}raise {text}"]
            edit = site.insert_before(anchor, lines, "guard-raise", -0.1 * rank)
            if edit:
                yield edit


def _defaults(site: Site, anchor: ast.stmt) -> Iterator[Edit]:
    """`if x is None: x = []`"""
    unit = _unit(site, anchor)
    for place, name in enumerate(_subjects(site, anchor)[:4]):
        for rank, value in enumerate(("[]", "{}", "0", "''", "set()", "1", "()")):
            lines = [f"if {name} is None:", f"{unit}{name} = {value}"]
            edit = site.insert_before(anchor, lines, "guard-default", -0.3 * place - 0.2 * rank)
            if edit:
                yield edit


def _in_loop(site: Site) -> Iterator[Edit]:
    """`if p: continue` and `if p: break` before a statement of a loop."""
    statement = site.statement
    if site.module.loop_of(statement) is None or not site.module.starts_line(statement):
        return
    unit = _unit(site, statement)
    for rank, (condition, bonus) in enumerate(predicates(site, statement)[:12]):
        for word in ("continue", "break"):
            lines = [f"if {condition}:", f"{unit}{word}"]
            edit = site.insert_before(statement, lines, "guard-loop", bonus - 0.1 * rank)
            if edit:
                yield edit


def _in_place(site: Site, node: ast.expr) -> Iterator[Edit]:
    parent = site.parent(node)
    if isinstance(parent, ast.Expr):
        return
    yield from _preferred(site, node)
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        base, key = bind(site.text(node.value), ATOM), bind(site.text(node.slice), NAMED)
        for rank, default in enumerate(("", ", 0", ", []", ", ''", ", {}", f", {key}")):
            yield site.replace(node, f"{base}.get({key}{default})", "get-default", -0.3 * rank)
    if isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        base = _base(site, node)
        for rank, other in enumerate(("None", "0", "''", "[]") if base else ()):
            text = f"{site.text(node)} if {base} is not None else {other}"
            yield site.replace(node, text, "guard-ternary", -0.4 * rank)
    read = isinstance(node, (ast.Name, ast.Attribute, ast.Call)) and not isinstance(parent, (ast.Attribute, ast.BoolOp))
    for rank, other in enumerate(("[]", "0", "''", "None", "{}", "()", "1")):
        if read and not site.is_called(node):
            yield site.replace(node, f"{bind(site.text(node), LAMBDA + 2)} or {other}", "or-default", -0.25 * rank)


def _preferred(site: Site, node: ast.expr) -> Iterator[Edit]:
    """`x = []` -> `x = given or []`: the literal only where there is nothing better."""
    parent = site.parent(node)
    plain = isinstance(node, (ast.Constant, ast.List, ast.Dict, ast.Tuple, ast.Name, ast.Call))
    if not plain or not isinstance(parent, (ast.Assign, ast.Return, ast.keyword)):
        return
    target = site.module.segment(parent.targets[0]) if isinstance(parent, ast.Assign) else ""
    members = [
        f"self.{name}" for name in site.inventory.attributes_of.get("self", ()) if "self" in site.variables_at(node)
    ]
    names = [*site.variables_at(node)[:12], *members]
    names.sort(key=lambda name: -likeness(name.removeprefix("self."), target))
    for rank, name in enumerate(names[:6]):
        yield site.replace(node, f"{name} or {bind(site.text(node), AND)}", "or-default", -0.3 - 0.2 * rank)
        if isinstance(node, (ast.Name, ast.Call)):
            yield site.replace(node, f"{site.text(node)} or {name}", "or-default", -0.4 - 0.2 * rank)


def _base(site: Site, node: ast.expr) -> str:
    inner = node.func if isinstance(node, ast.Call) else node
    inner = inner.value if isinstance(inner, (ast.Attribute, ast.Subscript)) else inner
    return inner.id if isinstance(inner, ast.Name) and inner is not node and inner.id != "self" else ""


def _wrapped(site: Site) -> Iterator[Edit]:
    """A simple statement put under a condition."""
    statement, module = site.statement, site.module
    if not isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return, ast.Raise, ast.Continue, ast.Break)):
        return
    start, end = module.span(statement)
    text = module.text[start:end]
    if site.function is None or not module.starts_line(statement) or "\n" in text or "\r" in text:
        return
    unit = _unit(site, statement)
    for rank, (condition, bonus) in enumerate(predicates(site, statement)[:16]):
        note = f"{shown(text)} is done only if {shown(condition)}"
        wrapped = f"if {condition}:\n{site.indent}{unit}{text}"
        yield site.splice(start, end, wrapped, "condition-wrap", note, bonus - 0.1 * rank)
