"""Names that somebody who suspects the fault has mentioned, however unlike the ones they would stand for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from coder.repair.site import Edit, Site

_KIND = "mentioned"
_BONUS = 1.5  # nats: it was said of this very fault


def edits(site: Site) -> Iterator[Edit]:
    names = sorted(site.world.mentioned)
    for node in site.expressions if names else ():
        if isinstance(node, ast.Name):
            yield from _for_name(site, node, names)
        elif isinstance(node, ast.Attribute):
            yield from _for_attribute(site, node, names)


def _for_name(site: Site, node: ast.Name, names: list[str]) -> Iterator[Edit]:
    """Another name that can be read there, or a member of this one."""
    if not isinstance(node.ctx, ast.Load):
        return
    visible = {known.name for known, _ in site.names_at(node)}
    for name in names:
        if name in visible:
            if name != node.id:
                yield site.replace(node, name, _KIND, _BONUS)
        elif not isinstance(site.parent(node), ast.Attribute) and _may_have(site, node, name):
            yield site.replace(node, f"{node.id}.{name}", _KIND, _BONUS - 1.0)


def _for_attribute(site: Site, node: ast.Attribute, names: list[str]) -> Iterator[Edit]:
    end = site.module.span(node)[1]
    for name in names:
        if name != node.attr and _may_have(site, node.value, name):
            note = f"`.{node.attr}` becomes `.{name}`"
            yield site.splice(end - len(node.attr), end, name, _KIND, note, _BONUS)


def _may_have(site: Site, node: ast.expr, name: str) -> bool:
    """Whether nothing that was seen at run time speaks against such a member."""
    held = site.types.members(site.text(node))
    return held is None or name in held
