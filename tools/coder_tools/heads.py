"""What stands above a definition and belongs to it: comments, and decorators or attributes ("marks")."""

from __future__ import annotations

import difflib
import re

from coder_tools.languages import parse
from coder_tools.symbols import Symbol

_KINDS = {
    "comment": "comment",
    "line_comment": "comment",
    "block_comment": "comment",
    "decorator": "mark",
    "attribute_item": "mark",
}
_MARK = re.compile(r"\s*(@|#!?\[)")
_COMMENT = re.compile(r"\s*(//|/\*|#)")
_ALIKE = 0.5  # how alike a comment and the one that it replaces are


def head_of(code: str) -> list[tuple[str, str]]:
    """(kind, text) of each comment and mark that the code begins with."""
    lines = code.split("\n")
    head: list[tuple[str, str]] = []
    at = 0
    while at < len(lines):
        first = at
        kind = "mark" if _MARK.match(lines[at]) else "comment" if _COMMENT.match(lines[at]) else ""
        if not kind:
            break
        while at + 1 < len(lines) and not _ended(kind, "\n".join(lines[first : at + 1])):
            at += 1
        at += 1
        head.append((kind, "\n".join(lines[first:at])))
    return head


def _ended(kind: str, text: str) -> bool:
    if kind == "comment":
        return not text.lstrip().startswith("/*") or "*/" in text
    return all(text.count(opened) <= text.count(closed) for opened, closed in ("()", "[]", "{}"))


def start_with(head: list[tuple[str, str]], path: str, data: bytes, symbol: Symbol) -> int:
    """The offset from which on code with this head replaces the definition: what it brings itself is not kept."""
    above = _above(path, data, symbol)
    brings = {kind for kind, _ in head}
    said = "\n".join(text for kind, text in head if kind == "comment")
    there = "\n".join(text for kind, text, _ in reversed(above) if kind == "comment")
    if said and difflib.SequenceMatcher(None, said, there, autojunk=False).ratio() < _ALIKE:
        brings.discard("comment")
    start = symbol.start
    for kind, _, offset in above:
        if kind not in brings:
            break
        start = offset
    return start


def said_above(head: list[tuple[str, str]], path: str, data: bytes, symbol: Symbol) -> bool:
    """Whether the head is only comments that stand above the definition's decorators already."""
    there = {text.strip() for _, text, _ in _above(path, data, symbol)}
    return bool(head) and all(kind == "comment" and text.strip() in there for kind, text in head)


def _above(path: str, data: bytes, symbol: Symbol) -> list[tuple[str, str, int]]:
    """(kind, text, offset) of what stands right above a definition, the nearest first."""
    tree = parse(path, data)
    node = tree.root_node.descendant_for_byte_range(symbol.start, symbol.end) if tree is not None else None
    while node is not None and node.prev_sibling is None and node.parent is not None:
        if node.parent.start_byte != node.start_byte:
            break
        node = node.parent
    found: list[tuple[str, str, int]] = []
    while node is not None and (other := node.prev_sibling) is not None and other.type in _KINDS:
        begins_line = not data[data.rfind(b"\n", 0, other.start_byte) + 1 : other.start_byte].strip()
        if not begins_line or other.end_point[0] < node.start_point[0] - 1:
            break
        text = data[other.start_byte : other.end_byte].decode("utf-8", "replace")
        found.append((_KINDS[other.type], text, other.start_byte))
        node = other
    return found
