"""Which lines of a text begin inside a string: moving those would change what the program says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coder_tools.languages import parse

if TYPE_CHECKING:
    from tree_sitter import Node

_STRINGS = frozenset(
    {"string", "template_string", "raw_string_literal", "string_literal", "interpreted_string_literal", "text_block"}
)


def string_rows(path: str, text: str) -> dict[int, bool]:
    """The rows, from 0, that begin inside a string, and whether that is documentation: a statement by itself."""
    if not any(mark in text for mark in ('"', "'", "`")):
        return {}
    tree = parse(path, text.encode("utf-8", "replace"))
    rows: dict[int, bool] = {}
    open_nodes: list[Node] = [tree.root_node] if tree is not None else []
    while open_nodes:
        node = open_nodes.pop()
        first, last = node.start_point[0], node.end_point[0]
        if first == last:
            continue
        if node.type not in _STRINGS:
            open_nodes += node.children
            continue
        alone = node.parent is not None and node.parent.type == "expression_statement"
        rows.update(dict.fromkeys(range(first + 1, last + 1), alone))
    return rows
