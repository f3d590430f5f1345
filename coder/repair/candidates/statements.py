"""Whole statements: one missing that the file has elsewhere, one too many, a variable not initialised."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from coder.repair.candidates.names import likeness
from coder.repair.scope import BUILTINS, Donor, bound_names, own_nodes, parameters
from coder.repair.site import Edit, Site, shown
from coder.repair.source import FUNCTIONS, LOOPS

_DONORS = 30  # copied statements offered at one place
_PARTS = 12  # of another branch's value that are tried here
_VALUES = (ast.Name, ast.Attribute, ast.Subscript)
_NEAR = 400  # lines between a statement and where a copy of it may be put
_BRANCHES = (ast.If, ast.Try, ast.With, ast.AsyncWith, ast.Match, *LOOPS)


def edits(site: Site) -> Iterator[Edit]:
    yield from _deleted(site)
    yield from _chain_edits(site)
    if site.function is not None:
        yield from _copied(site)
        yield from _initialised(site)
        yield from _updated(site)
        yield from _else_added(site)
        yield from _as_the_other_branch(site)


def _as_the_other_branch(site: Site) -> Iterator[Edit]:
    """Where the other branch of an `if` gives a variable a value and this one does not: a part of that value."""
    statement, module = site.statement, site.module
    around, own = module.parents[statement], module.blocks[statement]
    if not isinstance(around, ast.If) or not around.orelse or statement is not own[0]:
        return
    other = around.orelse if own is around.body else around.body
    bound = {name.id for node in own for name in bound_names(node)}
    for donor in other:
        if not isinstance(donor, ast.Assign) or not isinstance(donor.targets[0], ast.Name) or len(donor.targets) > 1:
            continue
        name = donor.targets[0].id
        if name in bound:
            continue
        parts = [node for node in ast.walk(donor.value) if isinstance(node, _VALUES) and isinstance(node.ctx, ast.Load)]
        texts = dict.fromkeys(module.inline(node) for node in parts)
        for rank, text in enumerate(list(texts)[:_PARTS]):
            if isinstance(statement, ast.Pass):
                yield site.splice(*module.span(statement), f"{name} = {text}", "branch-assign", "", -0.2 * rank)
            elif edit := site.insert_before(statement, [f"{name} = {text}"], "branch-assign", -0.2 * rank):
                yield edit


def _deleted(site: Site) -> Iterator[Edit]:
    statement, module = site.statement, site.module
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef, ast.Import, ast.ImportFrom)) or not module.starts_line(
        statement
    ):
        return
    start, end = module.span(statement)
    note = f"{shown(module.text[start:end])} is taken out"
    if isinstance(statement, (ast.If, ast.With, ast.Try, *LOOPS)):
        yield from _unwrapped(site, statement)
        if isinstance(statement, ast.If) and (statement.orelse or module.text.startswith("elif", start)):
            return
    if len(module.blocks[statement]) > 1:
        first, last = module.lines_span(statement)
        yield site.splice(first, last, "", "delete", note)
    else:
        yield site.splice(start, end, "pass", "delete", note)


def _unwrapped(site: Site, statement: ast.stmt) -> Iterator[Edit]:
    """The body of a block without the block around it."""
    module = site.module
    body: list[ast.stmt] = getattr(statement, "body", [])
    if not module.starts_line(body[0]) or (isinstance(statement, ast.If) and statement.orelse):
        return
    start, end = module.lines_span(statement)
    first, last = module.lines_span(body[0])[0], module.lines_span(body[-1])[1]
    text = reindented(module.text[first:last], module.indent_of(body[0]), site.indent)
    header = module.text[module.span(statement)[0] : module.span(body[0])[0]]
    if text is not None and not module.text.startswith("elif", module.span(statement)[0]):
        yield site.splice(start, end, text, "unwrap-block", f"{shown(header)} is taken from around its block")


def reindented(text: str, old: str, new: str) -> str | None:
    """Whole lines moved from one indentation to another; None where a line is not indented so."""
    lines = text.splitlines(keepends=True)
    if any(line.strip() and not line.startswith(old) for line in lines):
        return None
    return "".join(new + line[len(old) :] if line.strip() else line for line in lines)


def _chain_edits(site: Site) -> Iterator[Edit]:
    """The `else` of an `if` dropped, so that its block always runs."""
    statement, module = site.statement, site.module
    block: list[ast.stmt] = getattr(statement, "orelse", [])
    if not isinstance(statement, (ast.If, *LOOPS)) or not block or not module.starts_line(block[0]):
        return
    if module.text.startswith("elif", module.span(block[0])[0]):
        return
    start = module.span(statement.body[-1])[1]
    first, last = module.lines_span(block[0])[0], module.lines_span(block[-1])[1]
    text = reindented(module.text[first:last], module.indent_of(block[0]), site.indent)
    if text is not None:
        yield site.splice(start, last, module.eol + text, "else-drop", "the `else` block always runs")


def _copied(site: Site) -> Iterator[Edit]:
    """A statement of this file put before or after the suspicious one, one variable renamed if need be."""
    statement = site.statement
    anchors = [statement]
    if isinstance(statement, (*FUNCTIONS, *_BRANCHES)):
        anchors = [body[-1] for body in (getattr(statement, "body", []),) if body]
        if isinstance(statement, (ast.If, *LOOPS)) and not isinstance(statement, FUNCTIONS):
            anchors.append(statement)
    for bonus, text in _donors(site)[:_DONORS]:
        for anchor in anchors:
            last = isinstance(anchor, (ast.Return, ast.Raise, ast.Continue, ast.Break))
            for edit in (
                site.insert_before(anchor, [text], "copy", bonus),
                None if last else site.insert_after(anchor, [text], "copy", bonus - 0.2),
            ):
                if edit:
                    yield edit


def _donors(site: Site) -> list[tuple[float, str]]:
    """Statements that make sense here, likeliest first."""
    visible = {known.name for known, _ in site.names_at(site.statement)}
    variables = site.variables_at(site.statement)
    here = site.statement.lineno
    near = {node.id for node in site.loads if isinstance(node, ast.Name)}
    found: dict[str, float] = {}
    for donor in site.inventory.donors:
        distance, same = abs(donor.statement.lineno - here), donor.function is site.function
        if donor.statement is site.statement or (distance > _NEAR and not same):
            continue
        bonus = (0.8 if same else -0.5) - min(1.5, distance / 60)
        bonus += 0.4 if isinstance(donor.statement, (ast.AugAssign, ast.Expr)) else 0.0
        for new, cost in _fitted(donor, visible, variables, near):
            found[new] = max(found.get(new, -9.0), bonus - cost)
    return sorted(((bonus, text) for text, bonus in found.items()), key=lambda item: (-item[0], item[1]))


def _fitted(donor: Donor, visible: set[str], variables: list[str], near: set[str]) -> Iterator[tuple[str, float]]:
    """The statement as it is if its names are all known here, else with its one unknown name renamed."""
    text = donor.text
    unknown = sorted(donor.names - visible - BUILTINS)
    if not unknown:
        yield text, 0.0
        for name in sorted(donor.names.intersection(variables))[:2]:
            for other in variables[:5]:
                if other != name and (other in near or likeness(name, other) > 0.3):
                    yield re.sub(rf"\b{re.escape(name)}\b", other, text), 0.8
    elif len(unknown) == 1:
        alike = sorted(variables, key=lambda name: -likeness(unknown[0], name))[:3]
        for rank, name in enumerate(alike):
            yield re.sub(rf"(?<!\.)\b{re.escape(unknown[0])}\b", name, text), 0.7 + 0.2 * rank


def _initialised(site: Site) -> Iterator[Edit]:
    """`x = 0` before the statement, or where the function begins: put back to its first value, or given one."""
    used = [n.id for n in ast.walk(site.statement) if isinstance(n, ast.Name)]
    local = set(site.scopes.variables(site.function)) - {"self", "cls"}
    before = site.opening if isinstance(site.statement, FUNCTIONS) else site.statement
    if before is None:
        return
    if before is site.opening and site.function is not None:  # what was given is not thrown away
        local -= {argument.arg for argument in parameters(site.function.args)}
    for place, name in enumerate([name for name in dict.fromkeys(used) if name in local][:4]):
        for rank, value in enumerate(("0", "[]", "None", "1", "{}", "''", "set()", "False", "True", "-1")):
            edit = site.insert_before(before, [f"{name} = {value}"], "initialise", -0.3 * place - 0.15 * rank)
            if edit:
                yield edit


def _updated(site: Site) -> Iterator[Edit]:
    """A counter stepped, a variable carried on, an element added: what loops forget."""
    names = [n.id for n in ast.walk(site.statement) if isinstance(n, ast.Name)]
    local = [name for name in dict.fromkeys(names) if name in site.scopes.variables(site.function)][:4]
    loop = site.module.loop_of(site.statement)
    texts = [f"{name} {operator} 1" for name in local for operator in ("+=", "-=")] if loop else []
    texts += [f"{one} = {other}" for one in local for other in local if one != other]
    collections = _grown(site)
    for name in collections[:3]:
        texts += [f"{name}.append({other})" for other in local if other != name]
        texts += [f"{name}.add({other})" for other in local if other != name]
    for rank, text in enumerate(texts[:30]):
        for edit in (
            site.insert_after(site.statement, [text], "update", -0.1 * rank),
            site.insert_before(site.statement, [text], "update", -0.2 - 0.1 * rank),
        ):
            if edit and not isinstance(site.statement, FUNCTIONS):
                yield edit


def _grown(site: Site) -> list[str]:
    """Local variables that start as an empty collection."""
    found = []
    for node in own_nodes(site.function) if site.function else ():
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            text = ast.unparse(node.value)
            if text in ("[]", "set()", "deque()", "{}", "list()", "dict()") or text.startswith("["):
                found.append(node.targets[0].id)
    return sorted(dict.fromkeys(found))


def _else_added(site: Site) -> Iterator[Edit]:
    """The statement after an `if` made its `else` block."""
    statement, module = site.statement, site.module
    block = module.blocks[statement]
    place = block.index(statement)
    before = block[place - 1] if place else None
    if not isinstance(before, ast.If) or before.orelse or not module.starts_line(statement):
        return
    start, end = module.lines_span(statement)
    unit = module.indent_of(before.body[0]).removeprefix(site.indent) or "    "
    text = reindented(module.text[start:end], site.indent, site.indent + unit)
    if text is not None:
        note = f"{shown(module.text[start:end])} is done only if {shown(module.inline(before.test))} is not true"
        yield site.splice(start, end, f"{site.indent}else:\n{text}", "else-add", note)
