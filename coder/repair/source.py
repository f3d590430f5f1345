"""One source file as the engine sees it: exact text, syntax tree, and offsets that lead back to the raw bytes."""

from __future__ import annotations

import ast
import bisect
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_NEWLINE = re.compile(r"\r\n|\r|\n")
_COMMENT = re.compile(r"#[^\r\n]*")
# Expressions whose text carries its own brackets, so that a line break inside needs none around it.
_BRACKETED = (ast.Call, ast.List, ast.Dict, ast.Set, ast.Subscript, ast.Constant, ast.JoinedStr, *COMPREHENSIONS)


class Unreadable(ValueError):
    """The file cannot be parsed by this interpreter, or its bytes do not survive decoding and encoding."""


class Module:
    """A parsed file. Positions are characters into `text`; `byte_offset` turns one into an offset into `raw`."""

    def __init__(self, path: str, raw: bytes) -> None:
        self.path = path
        self.raw = raw
        self.encoding, self.bom, self.text = decode(raw)
        try:
            self.tree = ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise Unreadable(f"{path}: {error}") from error
        breaks = list(_NEWLINE.finditer(self.text))
        self.eol = breaks[0].group() if breaks else "\n"
        self.starts = [0, *(match.end() for match in breaks)]
        self._ascii = self.text.isascii()
        self._spans: dict[ast.AST, tuple[int, int]] = {}
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node

    # Positions

    def index(self, line: int, column: int) -> int:
        """The character at a tree position (line from 1, column in UTF-8 bytes)."""
        start = self.starts[line - 1]
        if self._ascii:
            return start + column
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        return start + len(self.text[start:end].encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where an expression, statement or handler stands, decorators included."""
        place = self._spans.get(node)
        if place is None:
            place = self._spans[node] = self._span(node)
        return place

    def _span(self, node: Any) -> tuple[int, int]:
        end = self.index(node.end_lineno, node.end_col_offset)
        decorators = getattr(node, "decorator_list", None)
        if decorators:
            first = self.index(decorators[0].lineno, decorators[0].col_offset)
            return self.text.rindex("@", 0, first), end
        return self.index(node.lineno, node.col_offset), end

    def line_of(self, position: int) -> int:
        """The line, from 1, a character stands on."""
        return bisect.bisect_right(self.starts, position)

    @cached_property
    def _raw_starts(self) -> list[int]:
        offsets = [self.bom]
        for start, end in zip(self.starts, [*self.starts[1:], len(self.text)], strict=True):
            offsets.append(offsets[-1] + len(self.text[start:end].encode(self.encoding)))
        return offsets

    def byte_offset(self, position: int) -> int:
        """Where a character stands in the file's bytes."""
        if self._ascii and self.encoding in ("utf-8", "iso-8859-1", "ascii"):
            return self.bom + position
        line = self.line_of(position)
        before = self.text[self.starts[line - 1] : position]
        return self._raw_starts[line - 1] + len(before.encode(self.encoding))

    # Text

    def segment(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def inline(self, node: ast.expr) -> str:
        """The expression's text, safe to put anywhere: printed anew if a bare line break is in it."""
        text = self.segment(node)
        if "\n" not in text and "\r" not in text:
            return text
        if isinstance(node, _BRACKETED) or (isinstance(node, ast.Tuple) and text.startswith("(")):
            return text
        return ast.unparse(node)

    def find_between(self, start: int, end: int, pattern: str) -> tuple[int, int] | None:
        """The first match of a token pattern between two places, comments not looked at."""
        gap = _COMMENT.sub(lambda match: " " * len(match.group()), self.text[start:end])
        match = re.search(pattern, gap)
        return (start + match.start(), start + match.end()) if match else None

    def indent_of(self, node: ast.stmt) -> str:
        """The white space before the statement's line."""
        start, _ = self.span(node)
        line_start = self.starts[self.line_of(start) - 1]
        return re.match(r"[ \t\f]*", self.text[line_start:start]).group()  # type: ignore[union-attr]

    def starts_line(self, node: ast.stmt) -> bool:
        """Whether nothing but white space stands before the statement on its line."""
        start, _ = self.span(node)
        return not self.text[self.starts[self.line_of(start) - 1] : start].strip()

    def lines_span(self, node: ast.stmt) -> tuple[int, int]:
        """The statement's whole lines, line break included."""
        start, end = self.span(node)
        last = self.line_of(end)
        return self.starts[self.line_of(start) - 1], self.starts[last] if last < len(self.starts) else len(self.text)

    # Tree

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """From the node's parent up to the module."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def function_of(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """The innermost function around a node; for a function, the one around it."""
        return next((above for above in self.ancestors(node) if isinstance(above, FUNCTIONS)), None)

    def class_of(self, node: ast.AST) -> ast.ClassDef | None:
        """The innermost class around a node."""
        return next((above for above in self.ancestors(node) if isinstance(above, ast.ClassDef)), None)

    def loop_of(self, node: ast.AST) -> ast.For | ast.AsyncFor | ast.While | None:
        """The loop a `break` at this node would leave."""
        below = node
        for above in self.ancestors(node):
            if isinstance(above, (*FUNCTIONS, ast.ClassDef, ast.Lambda)):
                return None
            if isinstance(above, LOOPS) and below not in above.orelse:
                return above
            below = above
        return None

    @cached_property
    def blocks(self) -> dict[ast.stmt, list[ast.stmt]]:
        """Statement -> the list of statements it is one of."""
        found: dict[ast.stmt, list[ast.stmt]] = {}
        for node in ast.walk(self.tree):
            for field in ("body", "orelse", "finalbody"):
                block = getattr(node, field, None)
                if isinstance(block, list):
                    found.update((statement, block) for statement in block)
        return found

    @cached_property
    def _own_lines(self) -> dict[int, list[ast.stmt]]:
        owners: dict[int, list[ast.stmt]] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.stmt):
                for line in _lines_of(node):
                    owners.setdefault(line, []).append(node)
        return owners

    def statements_at(self, line: int) -> list[ast.stmt]:
        """The statements a line belongs to itself (for a compound statement: its header), outermost first."""
        return self._own_lines.get(line, [])


def is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, or a text left alone, which is read and never run."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


@lru_cache(maxsize=16)
def parsed(path: str, raw: bytes) -> Module:
    """The module of these bytes; the latest ones are kept, as several parts of the engine look at them in turn.

    Raises Unreadable.
    """
    return Module(path, raw)


def module_at(path: str, read: Callable[[str], bytes]) -> Module | None:
    """The file parsed; None if `read` has none (KeyError, OSError) or it cannot be parsed."""
    try:
        return parsed(path, read(path))
    except (KeyError, OSError, Unreadable):
        return None


def decode(raw: bytes) -> tuple[str, int, str]:
    """Encoding, length of the byte order mark, and text. Raises Unreadable."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        bom = 3 if encoding == "utf-8-sig" else 0
        encoding = "utf-8" if bom else encoding
        text = raw[bom:].decode(encoding)
        if text.encode(encoding) != raw[bom:]:
            raise Unreadable("the text does not encode back to the same bytes")
    except (SyntaxError, UnicodeError, LookupError) as error:
        raise Unreadable(str(error)) from error
    return encoding, bom, text


def _lines_of(node: ast.stmt) -> Iterator[int]:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    body = getattr(node, "body", None) or [
        statement for case in getattr(node, "cases", []) for statement in case.body[:1]
    ]
    if not body:
        yield from range(first, (node.end_lineno or node.lineno) + 1)
        return
    yield from _header_lines(first, body[0])
    for handler in getattr(node, "handlers", []):
        yield from _header_lines(handler.lineno, handler.body[0])
    for case in getattr(node, "cases", [])[1:]:
        yield from _header_lines(case.pattern.lineno, case.body[0])


def _header_lines(first: int, body: ast.stmt) -> range:
    decorators = getattr(body, "decorator_list", [])
    start = min([body.lineno, *(d.lineno for d in decorators)])
    return range(first, max(start, first + 1))
