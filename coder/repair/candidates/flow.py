"""How control goes on: break, continue, return and pass exchanged or added; loops over something else."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from coder.repair.scope import returned
from coder.repair.site import Edit, Site


def edits(site: Site) -> Iterator[Edit]:
    statement = site.statement
    if isinstance(statement, (ast.Break, ast.Continue, ast.Return, ast.Pass)):
        yield from _exchanged(site, statement)
    if site.module.loop_of(statement) is not None:
        yield from _added(site)
    if isinstance(statement, (ast.For, ast.AsyncFor)):
        yield from _targets(site, statement)
    if isinstance(statement, (ast.Raise, ast.Return)):
        yield from _raise_return(site, statement)
    if isinstance(statement, (ast.Global, ast.Nonlocal)):
        start, _ = site.module.span(statement)
        old = "global" if isinstance(statement, ast.Global) else "nonlocal"
        yield site.splice(start, start + len(old), "nonlocal" if old == "global" else "global", "keyword-swap")


def _exchanged(site: Site, statement: ast.stmt) -> Iterator[Edit]:
    start, end = site.module.span(statement)
    old = site.module.text[start:end]
    words = ["continue", "break"] if site.module.loop_of(statement) is not None else []
    words += ["return"] if site.function is not None else []
    words += [f"return {site.text(value)}" for value in returned(site.function)][:4]
    for rank, word in enumerate(dict.fromkeys([*words, "pass"])):
        if word != old:
            yield site.splice(start, end, word, "flow", "", -0.2 * rank)


def _added(site: Site) -> Iterator[Edit]:
    """`break` or `continue` after the last statement of a block inside a loop."""
    statement = site.statement
    block = site.module.blocks[statement]
    if block[-1] is statement and not isinstance(statement, (ast.Return, ast.Raise, ast.Break, ast.Continue)):
        for word in ("break", "continue"):
            edit = site.insert_after(statement, [word], "flow-add")
            if edit:
                yield edit


def _targets(site: Site, statement: ast.For | ast.AsyncFor) -> Iterator[Edit]:
    """`for a, b in x` -> `for b, a in x`, or only one of them."""
    target = statement.target
    if isinstance(target, ast.Tuple) and len(target.elts) == 2:
        first, second = (site.text(element) for element in target.elts)
        yield site.replace(target, f"{second}, {first}", "element-swap")
        yield site.replace(target, first, "target")
        yield site.replace(target, second, "target")


def _raise_return(site: Site, statement: ast.Raise | ast.Return) -> Iterator[Edit]:
    start, end = site.module.span(statement)
    if isinstance(statement, ast.Raise):
        for rank, value in enumerate(
            dict.fromkeys([*(site.text(v) for v in returned(site.function)), "None", "False"])
        ):
            yield site.splice(start, end, f"return {value}", "raise-return", "", -0.2 * rank)
        if statement.exc is not None and site.function is not None:
            yield site.splice(start, start + 5, "return", "raise-return", "", -1.0)
        return
    own = [site.module.segment(raised) for raised in site.inventory.raises if raised.exc is not None]
    expects = site.clues.mentions("Failed", "AssertionError")
    for rank, text in enumerate(dict.fromkeys(own)):
        if expects and rank < 5 and "\n" not in text:
            yield site.splice(start, end, text, "raise-return", "", -0.5 - 0.2 * rank)
