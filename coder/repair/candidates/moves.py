"""Statements moved: up or down by one, into the block before, out of the block around."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from coder.repair.candidates.statements import reindented
from coder.repair.site import Edit, Site, shown
from coder.repair.source import FUNCTIONS, is_text

_ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)  # what stands after one of these is never reached


def edits(site: Site) -> Iterator[Edit]:
    statement, module = site.statement, site.module
    if isinstance(statement, ast.If):
        yield from _branches(site, statement)
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)) or not module.starts_line(statement):
        return
    if module.text.startswith("elif", module.span(statement)[0]):
        return
    block = module.blocks[statement]
    place = block.index(statement)
    if place + 1 < len(block):
        yield from _exchanged(site, statement, block[place + 1])
    if place and not is_text(block[place - 1]):
        yield from _exchanged(site, block[place - 1], statement)
        yield from _into(site, block[place - 1])
    if place + 1 == len(block):
        yield from _out_after(site)
    if place == 0 and len(block) > 1:
        yield from _out_before(site)


def _branches(site: Site, statement: ast.If) -> Iterator[Edit]:
    """`if a: x elif b: y` -> `if b: y elif a: x`: where both hold, the first one counts."""
    module = site.module
    if len(statement.orelse) != 1 or not isinstance(statement.orelse[0], ast.If):
        return
    second = statement.orelse[0]
    if not module.text.startswith("elif", module.span(second)[0]):
        return
    (start, _), (_, end) = module.span(statement.test), module.span(statement.body[-1])
    (after, _), (_, stop) = module.span(second.test), module.span(second.body[-1])
    text = module.text
    note = f"{shown(text[after : module.span(second.test)[1]])} is asked before {shown(site.text(statement.test))}"
    yield site.splice(start, stop, text[after:stop] + text[end:after] + text[start:end], "branch-swap", note)


def _exchanged(site: Site, first: ast.stmt, second: ast.stmt) -> Iterator[Edit]:
    """Two neighbours in the other order, what stands between them kept there."""
    module = site.module
    if not (module.starts_line(first) and module.starts_line(second)) or isinstance(second, _ENDS):
        return
    (start, end), (after, stop) = module.lines_span(first), module.lines_span(second)
    text = module.text
    last = text[after:stop] if text[after:stop].endswith(("\n", "\r")) else text[after:stop] + module.eol
    swapped = last + text[end:after] + text[start:end]
    note = f"{shown(text[after:stop])} is done before {shown(text[start:end])}"
    yield site.splice(start, stop, swapped, "move", note)


def _into(site: Site, before: ast.stmt) -> Iterator[Edit]:
    """The statement made the last one of the block before it."""
    module = site.module
    for block in (getattr(before, "orelse", None), getattr(before, "body", None)):
        if not block or isinstance(before, (*FUNCTIONS, ast.ClassDef)) or not module.starts_line(block[0]):
            continue
        inner = module.indent_of(block[0])
        start, end = module.lines_span(site.statement)
        text = reindented(module.text[start:end], site.indent, inner)
        if text is None:
            continue
        note = f"{shown(module.text[start:end])} moves into the block before it"
        stop = module.lines_span(block[-1])[1]
        between = module.text[stop:start]
        if block is getattr(before, "body", None) and before.__dict__.get("orelse"):
            yield site.splice(stop, end, text + between, "indent", note, -0.3)
        else:
            yield site.splice(stop, end, between + text if not between.strip() else text + between, "indent", note)


def _out_after(site: Site) -> Iterator[Edit]:
    """The last statement of a block put after the block."""
    module, statement = site.module, site.statement
    around = module.parents[statement]
    for _ in range(2):
        if not isinstance(around, ast.stmt) or isinstance(around, (*FUNCTIONS, ast.ClassDef)):
            return
        outer = module.indent_of(around)
        start, end = module.lines_span(statement)
        stop = module.lines_span(around)[1]
        text = reindented(module.text[start:end], site.indent, outer)
        alone = len(module.blocks[statement]) == 1
        if text is not None:
            rest = module.text[end:stop]
            rest = rest if not rest or rest.endswith(("\n", "\r")) else rest + module.eol
            kept = f"{site.indent}pass{module.eol}" if alone else ""
            note = f"{shown(text)} is done after the block, not in it"
            yield site.splice(start, stop, kept + rest + text, "dedent", note)
        around = module.parents[around]


def _out_before(site: Site) -> Iterator[Edit]:
    """The first statement of a block put before the block."""
    module, statement = site.module, site.statement
    around = module.parents[statement]
    if not isinstance(around, ast.stmt) or isinstance(around, (*FUNCTIONS, ast.ClassDef)):
        return
    if not module.starts_line(around) or module.text.startswith("elif", module.span(around)[0]):
        return
    start, end = module.lines_span(statement)
    first = module.lines_span(around)[0]
    text = reindented(module.text[start:end], site.indent, module.indent_of(around))
    if text is not None:
        note = f"{shown(text)} is done before the block, not in it"
        yield site.splice(first, end, text + module.text[first:start], "dedent", note)
