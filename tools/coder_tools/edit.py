"""Edits that land exactly where they were meant, or not at all.

Every function takes a file's bytes and gives new bytes; nothing is written. Line ends, encoding and a missing
final newline stay as they are in the file. Whatever does not parse afterwards is refused.
"""

from __future__ import annotations

import ast
import difflib
import re
import textwrap
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from coder_tools.diffs import hunks_of
from coder_tools.languages import grammar_of
from coder_tools.match import Place, ambiguous, find_lines, not_found, reindented, unnumbered
from coder_tools.symbols import Symbol, definitions
from coder_tools.syntax import EditRefused, check_syntax, syntax_fault
from coder_tools.text import decode

__all__ = ["EditRefused", "Landed", "apply_diff", "create", "replace", "replace_function", "rewrite"]

_PLACEHOLDER = re.compile(
    r"^\s*(#|//|/\*|<!--)?\s*\.{3}.{0,60}(existing|rest|unchanged|remain|same|omitted)", re.I | re.M
)


@dataclass(frozen=True)
class Landed:
    """An edit that found its place."""

    data: bytes
    how: str  # "exact", "function", "created" ..., or what had to be overlooked: "indentation", "spacing", "wording"
    first_line: int  # of the new text in the new file
    last_line: int


class _Source:
    """A file's text with plain newlines, and the way back to the text as it is."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self._decoded = decode(path, data)
        self._raw = self._decoded.text
        self.text = self._raw.replace("\r\n", "\n")
        self._crlf: list[int] = []  # offsets in `text` of the newlines that are CRLF in the file
        at = -1
        while (at := self._raw.find("\r\n", at + 1)) >= 0:
            self._crlf.append(at - len(self._crlf))
        self._newline = "\r\n" if len(self._crlf) * 2 > self.text.count("\n") else "\n"

    def splice(self, start: int, end: int, new: str, how: str) -> Landed:
        """Replace text[start:end]; everything else keeps its bytes."""
        if self.text[start:end] == new:
            raise EditRefused("The new text is the same as the old one: nothing would change.")
        raw = self._raw[: self._offset(start)] + new.replace("\n", self._newline) + self._raw[self._offset(end) :]
        first = self.text.count("\n", 0, start) + 1
        last = first + new.removesuffix("\n").count("\n")
        return Landed(self._decoded.encode(raw), how, first, last)

    def _offset(self, at: int) -> int:
        return at + bisect_left(self._crlf, at)


def replace(path: str, data: bytes, search: str, replacement: str) -> Landed:
    """Replace the one place that has the text `search`.

    Tried in turn: the text exactly, lines that differ only in indentation, in white space, in a slip of the pen.
    Raises EditRefused if there is no such place or more than one, or if the result does not parse.
    """
    source = _Source(path, data)
    search, replacement = _plain(search), _plain(replacement)
    if not search.strip():
        raise EditRefused("The text to search for is empty. Give the lines to replace as they are in the file.")
    if search.endswith("\n") and replacement and not replacement.endswith("\n"):
        replacement += "\n"  # whole lines go out, so whole lines come in
    landed = _exact(source, search, replacement)
    if landed is None and unnumbered(search) != search:
        search, replacement = unnumbered(search), unnumbered(replacement)
        landed = _exact(source, search, replacement)
    if landed is None:
        lines, wanted = source.text.split("\n"), search.strip("\n").split("\n")
        place = find_lines(lines, wanted)
        if place is None:
            raise not_found(path, lines, wanted)
        new = replacement.strip("\n").split("\n") if replacement.strip("\n") else []
        landed = _put(source, place, wanted, new)
    check_syntax(path, landed.data, before=data)
    return landed


def apply_diff(path: str, data: bytes, diff: str) -> Landed:
    """Apply a unified diff of one file, each hunk where its lines are, whatever its numbers say.

    Raises EditRefused as `replace` does; then no hunk of it is applied.
    """
    landed: Landed | None = None
    drift = 0  # lines that the hunks before have added
    for hunk in hunks_of(diff):
        source = _Source(path, landed.data if landed is not None else data)
        lines = source.text.split("\n")
        place = find_lines(lines, hunk.old, None if hunk.near is None else hunk.near + drift)
        if place is None:
            raise not_found(path, lines, hunk.old)
        landed = _put(source, place, hunk.old, hunk.new)
        drift += len(hunk.new) - len(hunk.old)
    assert landed is not None  # hunks_of gives at least one
    check_syntax(path, landed.data, before=data)
    return landed


def create(path: str, content: str) -> Landed:
    """A new file's bytes: UTF-8, ending with a newline. Raises EditRefused if it does not parse."""
    content = _plain(content)
    if content and not content.endswith("\n"):
        content += "\n"
    try:
        data = content.encode()
    except UnicodeEncodeError:
        raise EditRefused("The content has half a character in it (a lone surrogate). Send it whole.") from None
    check_syntax(path, data)
    return Landed(data, "created", 1, content.count("\n"))


def rewrite(path: str, data: bytes, content: str) -> Landed:
    """The whole file anew. Raises EditRefused for one that leaves out what was there, or does not parse."""
    if _PLACEHOLDER.search(content):
        raise EditRefused("Nothing was written: the content stands in for some lines with `...`. Send every line.")
    kept = {symbol.qualified for symbol in definitions(path, _plain(content).encode("utf-8", "replace"))}
    lost = [symbol.qualified for symbol in definitions(path, data) if symbol.qualified not in kept]
    if len(lost) > 1 and len(lost) * 2 > len(kept):
        raise EditRefused(
            f"Nothing was written: the content leaves out {', '.join(lost[:8])}. Send the whole file, or use edit_file."
        )
    source, content = _Source(path, data), _plain(content)
    if content and source.text.endswith("\n") and not content.endswith("\n"):
        content += "\n"
    landed = source.splice(0, len(source.text), content, "rewritten")
    check_syntax(path, landed.data, before=data)
    return landed


def replace_function(path: str, data: bytes, name: str, code: str) -> Landed:
    """Replace the whole function or class `name` ("add" or "Box.add") by `code`.

    Its decorators stay unless `code` brings its own. Raises EditRefused as `replace` does.
    """
    symbol = _definition(path, data, name)
    source = _Source(path, data)
    code = textwrap.dedent(_plain(code)).strip("\n")
    if path.endswith((".py", ".pyi")):
        _check_defines(code, symbol)
    start, end = symbol.start if code.startswith(("@", "export ", "template")) else symbol.body_start, symbol.end
    prefix = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    try:
        text_start = len(data[prefix:start].decode("utf-8").replace("\r\n", "\n"))
        text_end = text_start + len(data[start:end].decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        raise EditRefused(f"{path} is not UTF-8. Give search and replace texts instead.") from None
    line_start = source.text.rfind("\n", 0, text_start) + 1
    indent = source.text[line_start:text_start]
    if indent.strip(" \t") not in ("", "export"):
        raise EditRefused(f"{name} does not begin its line. Give search and replace texts instead.")
    indent = indent[: len(indent) - len(indent.lstrip())]
    landed = source.splice(text_start, text_end, textwrap.indent(code, indent)[len(indent) :], "function")
    check_syntax(path, landed.data, before=data)
    _check_kept(path, landed.data, data, symbol)
    return landed


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _exact(source: _Source, search: str, replacement: str) -> Landed | None:
    """The edit at the one place with exactly this text; None if there is none."""
    text = source.text
    found: list[int] = []
    at = -1
    while (at := text.find(search, at + 1)) >= 0:
        # `x = 1` is not meant by somebody whose file has only `max = 10`.
        whole = not _splits_word(text, at) and not _splits_word(text, at + len(search))
        if whole and not (search[0].isspace() and _in_indentation(text, at)):
            found.append(at)
    if not found:
        return None
    if len(found) > 1:
        raise ambiguous([text.count("\n", 0, at) + 1 for at in found])
    start = found[0]
    return source.splice(start, start + len(search), replacement, "exact")


def _splits_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and _is_word(text[at - 1]) and _is_word(text[at])


def _in_indentation(text: str, at: int) -> bool:
    """Whether a place lies behind the start of a line with only white space before it: lines that are to be indented
    less than these are not these."""
    before = text[text.rfind("\n", 0, at) + 1 : at]
    return bool(before) and not before.strip()


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _put(source: _Source, place: Place, wanted: Sequence[str], new: Sequence[str]) -> Landed:
    """The new lines in a place that was found, indented as the file is there."""
    lines = source.text.split("\n")
    if place.how in ("indentation", "spacing", "wording"):
        new = reindented(new, wanted, lines[place.first : place.last])
    start = sum(len(line) + 1 for line in lines[: place.first])
    end = start + sum(len(line) + 1 for line in lines[place.first : place.last])
    block = "".join(line + "\n" for line in new)
    if end > len(source.text):  # the last line has no newline, and gets none
        end, block = len(source.text), block.removesuffix("\n")
    return source.splice(start, end, block, place.how)


def _definition(path: str, data: bytes, name: str) -> Symbol:
    """The one function or class of that name. Raises EditRefused."""
    named = [s for s in definitions(path, data) if s.kind != "variable"]
    wanted = name.strip().removesuffix("()")
    found = [s for s in named if s.qualified == wanted] or [
        s for s in named if s.qualified.endswith("." + wanted) or s.name == wanted
    ]
    if len(found) == 1:
        return found[0]
    if found:
        choices = ", ".join(f"{s.qualified} (line {s.first_line})" for s in found[:8])
        raise EditRefused(f"Nothing was written: {name} could be any of {choices}. Name one, or use search.")
    near = difflib.get_close_matches(wanted, {s.qualified for s in named}, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise EditRefused(f"Nothing was written: {path} defines no function or class {name}.{hint}")


def _check_defines(code: str, symbol: Symbol) -> None:
    """Raise EditRefused unless the Python code is the one definition that it is to replace."""
    if fault := syntax_fault("code.py", code.encode("utf-8", "replace")):
        raise EditRefused(f"Nothing was written: the code does not parse. Line {fault.line}: {fault.message}")
    names = [getattr(node, "name", "") for node in ast.parse(code).body]
    if names != [symbol.name]:
        raise _not_whole(symbol)


def _check_kept(path: str, data: bytes, before: bytes, symbol: Symbol) -> None:
    """Raise EditRefused if, in a language other than Python, more than the one definition came or went."""
    if path.endswith((".py", ".pyi")) or grammar_of(path) is None:
        return

    def others(content: bytes) -> list[str]:
        inside = symbol.qualified + "."
        return [s.qualified for s in definitions(path, content) if not s.qualified.startswith(inside)]

    if others(data) != others(before):
        raise _not_whole(symbol)


def _not_whole(symbol: Symbol) -> EditRefused:
    return EditRefused(
        f"Nothing was written: to replace {symbol.qualified}, send its whole definition and nothing else."
    )
