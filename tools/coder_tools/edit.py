"""Edits that land exactly where they were meant, or not at all.

Every function takes a file's bytes and gives new bytes; nothing is written. Line ends, encoding and a missing
final newline stay as they are in the file.
"""

from __future__ import annotations

import ast
import difflib
import re
import textwrap
import warnings
from bisect import bisect_left
from dataclasses import dataclass

from coder_tools.symbols import Symbol, definitions
from coder_tools.text import clean, decode
from coder_tools.workspace import ToolError

_NUMBERED = re.compile(r"\s*\d+\| ?")


class EditRefused(ToolError):
    """The edit was not made. The message says why, and what to send instead."""


@dataclass(frozen=True)
class Landed:
    """An edit that found its place."""

    data: bytes
    how: str  # "exact", "indentation", "spacing", "function" or "created": what had to be overlooked to find it
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

    Tried in turn: the text exactly, lines that differ only in indentation, lines that differ only in white space.
    Raises EditRefused if there is no such place or more than one, or if the result does not parse.
    """
    source = _Source(path, data)
    search, replacement = _plain(search), _plain(replacement)
    if not search.strip():
        raise EditRefused("The text to search for is empty. Give the lines to replace as they are in the file.")
    if search.endswith("\n") and replacement and not replacement.endswith("\n"):
        replacement += "\n"  # whole lines go out, so whole lines come in
    landed = _exact(source, search, replacement)
    if landed is None and all(_NUMBERED.match(line) for line in search.splitlines() if line.strip()):
        search, replacement = _unnumbered(search), _unnumbered(replacement)
        landed = _exact(source, search, replacement)
    if landed is None:
        landed = _by_lines(source, search, replacement)
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


def replace_function(path: str, data: bytes, name: str, code: str) -> Landed:
    """Replace the whole function or class `name` ("add" or "Box.add") by `code`.

    Its decorators stay unless `code` brings its own. Raises EditRefused as `replace` does.
    """
    symbol = _definition(path, data, name)
    source = _Source(path, data)
    code = textwrap.dedent(_plain(code)).strip("\n")
    _check_defines(code, symbol)
    start, end = symbol.start if code.startswith("@") else symbol.body_start, symbol.end
    prefix = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    try:
        text_start = len(data[prefix:start].decode("utf-8").replace("\r\n", "\n"))
        text_end = text_start + len(data[start:end].decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        raise EditRefused(f"{path} is not UTF-8. Give search and replace texts instead.") from None
    line_start = source.text.rfind("\n", 0, text_start) + 1
    indent = source.text[line_start:text_start]
    if indent.strip():
        raise EditRefused(f"{name} does not begin its line. Give search and replace texts instead.")
    landed = source.splice(text_start, text_end, textwrap.indent(code, indent)[len(indent) :], "function")
    check_syntax(path, landed.data, before=data)
    return landed


def check_syntax(path: str, data: bytes, before: bytes | None = None) -> None:
    """Raise EditRefused, with line and caret, if a Python file does not parse (and did so `before`)."""
    if not path.endswith((".py", ".pyi")):
        return
    error = _syntax_error(data)
    if error is None or (before is not None and _syntax_error(before) is not None):
        return
    where = f"line {error.lineno}: " if error.lineno else ""
    line = clean(error.text or "").rstrip("\n")
    caret = f"\n{line}\n{' ' * max(0, (error.offset or 1) - 1)}^" if line else ""
    raise EditRefused(
        f"Nothing was written: {path} would no longer parse. {where}{error.msg}{caret}\nSend the edit again, corrected."
    )


def _syntax_error(data: bytes) -> SyntaxError | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError) as error:
        return SyntaxError(str(error) or "nested too deeply")
    return None


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _unnumbered(text: str) -> str:
    """The text without the line numbers that reading a file shows."""
    return "\n".join(_NUMBERED.sub("", line, count=1) for line in text.split("\n"))


def _exact(source: _Source, search: str, replacement: str) -> Landed | None:
    """The edit at the one place with exactly this text; None if there is none."""
    text = source.text
    found: list[int] = []
    at = -1
    while (at := text.find(search, at + 1)) >= 0:
        # `x = 1` is not meant by somebody whose file has only `max = 10`.
        if not _splits_word(text, at) and not _splits_word(text, at + len(search)):
            found.append(at)
    if not found:
        return None
    if len(found) > 1:
        raise _ambiguous([text.count("\n", 0, at) + 1 for at in found])
    start = found[0]
    return source.splice(start, start + len(search), replacement, "exact")


def _splits_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and _is_word(text[at - 1]) and _is_word(text[at])


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"


def _ambiguous(lines: list[int]) -> EditRefused:
    places = ", ".join(map(str, lines[:8]))
    return EditRefused(
        f"Nothing was written: that text is there {len(lines)} times (lines {places}). "
        "Add lines before or after it until only one place is meant."
    )


def _by_lines(source: _Source, search: str, replacement: str) -> Landed:
    """The edit at the one run of lines that is the same but for white space. Raises EditRefused."""
    lines = source.text.split("\n")
    wanted = search.strip("\n").split("\n")
    new = replacement.strip("\n").split("\n") if replacement.strip("\n") else []
    for how, key in (("indentation", _stripped), ("spacing", _spaced)):
        keys = [key(line) for line in lines]
        needle = [key(line) for line in wanted]
        found = [at for at in range(len(keys) - len(needle) + 1) if keys[at : at + len(needle)] == needle]
        if len(found) > 1:
            raise _ambiguous([at + 1 for at in found])
        if found:
            at, until = found[0], found[0] + len(wanted)
            new = _reindented(new, wanted, lines[at:until])
            start = sum(len(line) + 1 for line in lines[:at])
            end = start + sum(len(line) + 1 for line in lines[at:until])
            block = "".join(line + "\n" for line in new)
            if end > len(source.text):  # the last line has no newline, and gets none
                end, block = len(source.text), block.removesuffix("\n")
            return source.splice(start, end, block, how)
    raise _not_found(source, wanted)


def _stripped(line: str) -> str:
    return line.strip()


def _spaced(line: str) -> str:
    return " ".join(line.split())


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _reindented(new: list[str], wanted: list[str], there: list[str]) -> list[str]:
    """The new lines with the file's indentation, learnt from the lines searched for and those found."""
    known: dict[str, str] = {}
    for mine, theirs in zip(wanted, there, strict=True):
        if mine.strip() and known.setdefault(_indent(mine), _indent(theirs)) != _indent(theirs):
            raise EditRefused(
                "Nothing was written: the lines are there, but indented otherwise, and not evenly so. "
                "Send them with the indentation that the file has."
            )
    result = []
    for line in new:
        if not line.strip():
            result.append("")
            continue
        indent = _indent(line)
        base = max((k for k in known if indent.startswith(k)), key=len, default=None)
        if base is None:  # less indented than all that was searched for: move it as far as the least of those
            base = min(known, key=len)
            shift = len(known[base]) - len(base)
            result.append(known[base][: max(0, len(indent) + shift)] + line.strip())
            continue
        deeper = indent[len(base) :]
        if known[base].endswith("\t") and "\t" not in deeper:
            deeper = "\t" * ((len(deeper) + 3) // 4)
        elif "\t" not in known[base]:
            deeper = deeper.replace("\t", "    ")
        result.append(known[base] + deeper + line[len(indent) :])
    return result


def _not_found(source: _Source, wanted: list[str]) -> EditRefused:
    """Say what comes nearest to the text that is not there."""
    lines = source.text.split("\n")[:5000]
    first = next(line.strip() for line in wanted if line.strip())
    near = difflib.get_close_matches(first, {line.strip() for line in lines if line.strip()}, n=1, cutoff=0.6)
    if not near:
        return EditRefused(
            f"Nothing was written: that text is not in {source.path}. Read the file and copy the lines exactly."
        )
    at = next(number for number, line in enumerate(lines) if line.strip() == near[0])
    shown = clean("\n".join(lines[at : at + min(len(wanted) + 2, 12)]))
    return EditRefused(
        f"Nothing was written: that text is not in {source.path}. The nearest is at line {at + 1}:\n{shown}\n"
        "Copy the lines to replace exactly as they are there."
    )


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
    """Raise EditRefused unless the code is the one definition that it is to replace."""
    if error := _syntax_error(code.encode("utf-8", "replace")):
        raise EditRefused(f"Nothing was written: the code does not parse. Line {error.lineno}: {error.msg}")
    body = ast.parse(code).body
    names = [getattr(node, "name", "") for node in body]
    if names != [symbol.name]:
        raise EditRefused(
            f"Nothing was written: to replace {symbol.qualified}, send its whole definition and nothing else."
        )
