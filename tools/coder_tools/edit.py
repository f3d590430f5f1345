"""Edits that land exactly where they were meant, or not at all.

Every function takes a file's bytes and gives new bytes; nothing is written. Line ends, encoding and a missing
final newline stay as they are in the file. Whatever does not parse afterwards is refused.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import re
from bisect import bisect_left
from collections.abc import Container, Sequence
from dataclasses import dataclass

from coder_tools.diffs import hunks_of
from coder_tools.heads import head_of, said_above, start_with
from coder_tools.imports import imported_by, lost_imports
from coder_tools.languages import grammar_of
from coder_tools.lazy import check_whole
from coder_tools.match import Place, ambiguous, carried, find_lines, indent_of, not_found, reindented, unnumbered
from coder_tools.overloads import definition
from coder_tools.strings import string_rows
from coder_tools.symbols import Symbol, definitions
from coder_tools.syntax import EditRefused, check_syntax, python_fault
from coder_tools.text import decode

__all__ = [
    *("EditRefused", "Landed", "Unparsable"),
    *("apply_diff", "create", "insert", "replace", "replace_function", "rewrite", "spliced"),
]

_ASSIGNS = re.compile(r"(?:export\s+)?(?:const|let|var)\s|[\w$.]+\s*=(?!=)")
_OPERATORS = re.compile(r"[=!<>:+\-*/%&|^]=|[-=]>|\*\*|//|<<|>>|&&|\|\||\+\+|--|::|\.\.|\?[.?]")


@dataclass(frozen=True)
class Landed:
    """An edit that found its place."""

    data: bytes
    how: str  # "exact", "function", "created" ..., or what had to be overlooked: "indentation", "spacing", "wording"
    first_line: int  # of the new text in the new file
    last_line: int
    spot: tuple[int, int, str] | None = (
        None  # what it replaces in the old text, newlines plain, and by what; if one place
    )
    by_line: bool = False  # a line number told where it belongs


class Unparsable(EditRefused):
    """The edit found its place, and was not made since the file would no longer parse. `landed`: what it would be."""

    def __init__(self, words: str, landed: Landed) -> None:
        super().__init__(words)
        self.landed = landed


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
        return Landed(self._decoded.encode(raw), how, first, last, (start, end, new))

    def _offset(self, at: int) -> int:
        return at + bisect_left(self._crlf, at)


def replace(path: str, data: bytes, search: str, replacement: str, base: bytes = b"") -> Landed:
    """Replace the one place that has the text `search`.

    Tried in turn: the text exactly, lines that differ only in indentation, in white space, in a slip of the pen; not
    for lines that the file had in `base`, before it was first edited: what is like them now is another place.
    Raises EditRefused if there is no such place or more than one, or if the result does not parse.
    """
    source = _Source(path, data)
    search, replacement = _plain(search), _plain(replacement)
    if not search.strip():
        raise EditRefused("The text to search for is empty. Give the lines to replace as they are in the file.")
    if search.endswith("\n") and replacement and not replacement.endswith("\n"):
        replacement += "\n"  # whole lines go out, so whole lines come in
    check_whole(source.text, replacement)
    landed = _exact(source, search, replacement)
    if landed is None and unnumbered(search) != search:
        search, replacement = unnumbered(search), unnumbered(replacement)
        landed = _exact(source, search, replacement)
    if landed is None:
        wanted = search.strip("\n").split("\n")
        place = _found(source, wanted, base)
        new = replacement.strip("\n").split("\n") if replacement.strip("\n") else []
        landed = _put(source, place, wanted, new)
    return _parsed(path, data, landed)


def apply_diff(path: str, data: bytes, diff: str, base: bytes = b"") -> Landed:
    """Apply a unified diff of one file, each hunk where its lines are, whatever its numbers say.

    Raises EditRefused as `replace` does; then no hunk of it is applied.
    """
    landed: Landed | None = None
    drift = 0  # lines that the hunks before have added
    hunks = hunks_of(diff, path)
    for hunk in hunks:
        source = _Source(path, landed.data if landed is not None else data)
        check_whole(source.text, "\n".join(hunk.new))
        place = _found(source, hunk.old, base, None if hunk.near is None else hunk.near + drift, hunk.under)
        landed = _put(source, place, hunk.old, hunk.new)
        drift += len(hunk.new) - len(hunk.old)
    assert landed is not None  # hunks_of gives at least one
    by_line = any(hunk.near is not None for hunk in hunks)
    spot = landed.spot if len(hunks) == 1 else None
    return _parsed(path, data, dataclasses.replace(landed, spot=spot, by_line=by_line))


def insert(path: str, data: bytes, after: int, text: str) -> Landed:
    """Put whole lines in after line `after`; 0: before the first. Raises EditRefused where there is no such line."""
    source, text = _Source(path, data), _plain(text)
    if not text:
        raise EditRefused("Nothing was written: the text to insert is empty.")
    check_whole(source.text, text)
    lines = source.text.split("\n")
    count = len(lines) - (lines[-1] == "")
    if not 0 <= after <= count:
        raise EditRefused(f"Nothing was written: there is no line {after} in {path}, it has {count} lines.")
    at, text = sum(len(line) + 1 for line in lines[:after]), text.removesuffix("\n")
    if at > len(source.text):  # the last line has no newline, and the new last one gets none
        landed = source.splice(len(source.text), len(source.text), "\n" + text, "exact")
    else:
        landed = source.splice(at, at, text + "\n", "exact")
    return _parsed(path, data, dataclasses.replace(landed, by_line=True))


def create(path: str, content: str) -> Landed:
    """A new file's bytes: UTF-8, ending with a newline. Raises EditRefused if it does not parse."""
    content = _plain(content)
    check_whole("", content)
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
    check_whole(decode(path, data).text, content)
    kept = {symbol.qualified for symbol in definitions(path, _plain(content).encode("utf-8", "replace"))}
    moved = imported_by(path, content)  # to another file, and had from there
    gone = [symbol.qualified for symbol in definitions(path, data) if symbol.qualified not in kept]
    lost = [name for name in gone if name.split(".")[0] not in moved]
    came = kept - {symbol.qualified for symbol in definitions(path, data)}
    if len(lost) > max(len(came), len(kept) // 4):
        raise EditRefused(
            f"Nothing was written: the content leaves out {', '.join(lost[:8])}. Send the whole file, or use edit_file."
        )
    if unbound := lost_imports(path, data, content):
        raise EditRefused(
            f"Nothing was written: the content leaves out the import of {', '.join(unbound[:8])}, which it needs. Send "
            "the whole file, or use edit_file."
        )
    source, content = _Source(path, data), _plain(content)
    if content and source.text.endswith("\n") and not content.endswith("\n"):
        content += "\n"
    return _parsed(path, data, source.splice(0, len(source.text), content, "rewritten"))


def replace_function(path: str, data: bytes, name: str, code: str) -> Landed:
    """Replace the whole function or class `name` ("add", "Box.add", "add(int)", "size.setter") by `code`.

    Its decorators stay unless `code` brings its own. Raises EditRefused as `replace` does, and where the name and the
    code leave open which of several is meant.
    """
    code = re.sub(r"\A(?:[ \t]*\n)+", "", _plain(code)).rstrip()
    symbol = definition(path, data, name, code)
    source = _Source(path, data)
    if path.endswith((".py", ".pyi")):
        _check_defines(path, _moved(path, code, "", ""), symbol)
    check_whole(source.text, code)
    code, start = _headed(path, data, symbol, _ended(path, data, symbol, code))
    end = symbol.end
    prefix = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    try:
        text_start = len(data[prefix:start].decode("utf-8").replace("\r\n", "\n"))
        text_end = text_start + len(data[start:end].decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError:
        raise EditRefused(f"{path} is not UTF-8. Give search and replace texts instead.") from None
    line_start = source.text.rfind("\n", 0, text_start) + 1
    indent = source.text[line_start:text_start]
    if path.endswith(".go") and not data[symbol.start :].startswith(b"type"):  # once for a whole group
        code = re.sub(r"^([ \t]*)type[ \t]+", r"\1", code, flags=re.MULTILINE, count=1)
    if indent.strip(" \t") not in ("", "export"):
        raise EditRefused(f"{name} does not begin its line. Give search and replace texts instead.")
    indent = indent[: len(indent) - len(indent.lstrip())]
    code = _moved(path, code, indent, source.text[text_start:text_end])
    landed = _parsed(path, data, source.splice(text_start, text_end, code[len(indent) :], "function"))
    _check_kept(path, landed.data, data, symbol)
    return landed


def spliced(path: str, data: bytes, spot: tuple[int, int, str]) -> Landed:
    """The file with what an edit of it replaces (`Landed.spot`) replaced; whether it parses is not looked at."""
    return _Source(path, data).splice(*spot, "exact")


def _parsed(path: str, before: bytes, landed: Landed) -> Landed:
    """The edit, if the file parses with it or did not before."""
    try:
        check_syntax(path, landed.data, before)
    except EditRefused as error:
        raise Unparsable(str(error), landed) from None
    return landed


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _found(source: _Source, wanted: Sequence[str], base: bytes, near: int | None = None, under: str = "") -> Place:
    """The one place with the wanted lines. EditRefused if there is none, or only one like lines that are gone."""
    lines = source.text.split("\n")
    place = find_lines(lines, wanted, near, under)
    if place is not None and place.how == "exact":
        return place
    gone = "\n".join(["", *wanted, ""]).encode("utf-8", "replace") in b"\n" + base.replace(b"\r\n", b"\n") + b"\n"
    if place is None or gone:
        raise not_found(source.path, lines, wanted, gone)
    return place


def _exact(source: _Source, search: str, replacement: str) -> Landed | None:
    """The edit at the one place with exactly this text; None if there is none."""
    text = source.text
    found: list[int] = []
    at = -1
    while (at := text.find(search, at + 1)) >= 0:
        # `x = 1` is not meant by somebody whose file has only `max = 1.5`.
        whole = not _splits_token(text, at) and not _splits_token(text, at + len(search))
        if whole and not (search[0].isspace() and _in_indentation(text, at)):
            found.append(at)
    if not found:
        return None
    if len(found) > 1:
        raise ambiguous([text.count("\n", 0, at) + 1 for at in found])
    start = found[0]
    replacement = _ending_alike(text, start + len(search), search, replacement)
    indent = text[text.rfind("\n", 0, start) + 1 : start]
    if not indent or indent.strip() or "\n" in search.strip("\n"):
        return source.splice(start, start + len(search), replacement, "exact")
    new = _under(source.path, indent, search, replacement)
    return source.splice(start - len(indent), start + len(search), new, "exact")


def _ending_alike(text: str, end: int, search: str, replacement: str) -> str:
    """The replacement without its last newline where the text that it replaces ends a line and does not name that
    line's own: there would be a blank line that nobody asked for."""
    ends_line = end == len(text) or text[end] == "\n"
    spare = replacement.endswith("\n") and not search.endswith("\n") and replacement[:-1] != search
    return replacement[:-1] if ends_line and spare else replacement


def _under(path: str, indent: str, search: str, replacement: str) -> str:
    """What replaces a line that was given without its indentation, indented as that line is.

    If only its first line lacks the indentation it stays as it is: the others have the file's.
    """
    first, *rest = replacement.split("\n")
    solid = [indent_of(line) for line in rest if line.strip()]
    if not indent_of(first) and all(other.startswith(indent) for other in solid):
        opens = first.rstrip().endswith((":", "{", "(", "["))
        if not solid or not opens or len(solid[0]) > len(indent):
            return indent + replacement
    fixed = string_rows(path, replacement)
    moved = reindented([first, *rest], [indent_of(first) + search], [indent + search])
    return "\n".join(
        line if fixed.get(row) is False else new
        for row, (line, new) in enumerate(zip([first, *rest], moved, strict=True))
    )


def _splits_token(text: str, at: int) -> bool:
    """Whether a place is inside a word, a number such as 1.5 or an operator such as >=."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if _OPERATORS.fullmatch(before + after) or (_is_word(before) and _is_word(after)):
        return True
    digits = text[max(0, at - 2) : at + 2]
    return (before.isdigit() and after == "." and digits[-1:].isdigit()) or (
        before == "." and after.isdigit() and digits[0].isdigit()
    )


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
    if place.how != "exact":
        new = carried(new, wanted, lines[place.first : place.last])
    start = sum(len(line) + 1 for line in lines[: place.first])
    end = start + sum(len(line) + 1 for line in lines[place.first : place.last])
    block = "".join(line + "\n" for line in new)
    if end > len(source.text):  # the last line has no newline, and gets none
        end, block = len(source.text), block.removesuffix("\n")
    return source.splice(start, end, block, place.how)


def _headed(path: str, data: bytes, symbol: Symbol, code: str) -> tuple[str, int]:
    """The code of a definition with what it keeps of its `export`, and the offset from which on it replaces the old:
    comments and decorators that it brings are not there twice."""
    head = head_of(code)
    lines = code.split("\n")
    at = sum(text.count("\n") + 1 for _, text in head)
    kept = data[symbol.start : symbol.body_start].decode("utf-8", "replace")
    if at == len(lines) or not kept or lines[at].lstrip().startswith(("export ", "template")):
        return code, start_with(head, path, data, symbol)
    if any(kind == "mark" for kind, _ in head) and not kept.startswith("export"):
        return code, start_with(head, path, data, symbol)
    if not head:
        return code, symbol.body_start
    if not kept.startswith("export"):  # decorators, which stay
        said = said_above(head, path, data, symbol)
        return "\n".join(lines[at:] if said else lines), symbol.body_start
    indent = indent_of(lines[at])
    lines[at] = indent + kept + lines[at].removeprefix(indent)
    return "\n".join(lines), start_with(head, path, data, symbol)


def _ended(path: str, data: bytes, symbol: Symbol, code: str) -> str:
    """The code with the end that the definition has in its place: a comma or semicolon behind it stays there, one of
    its own does not get lost."""
    grammar = grammar_of(path)
    if grammar is None or grammar.name == "python":
        return code
    behind = data[symbol.end : symbol.end + 80].lstrip()[:1].decode("utf-8", "replace")
    if behind in (",", ";") and code.endswith(behind):
        return code[:-1].rstrip()
    if data[: symbol.end].endswith(b";") and _ASSIGNS.match(code) and not code.endswith(";"):
        return code + ";"
    return code


def _moved(path: str, code: str, indent: str, old: str) -> str:
    """The code of a definition with this indentation instead of its own. Lines inside strings stay as they are;
    those that were moved to the left with the code are again as in the old text."""
    lines = code.split("\n")
    inner = [indent_of(line) for line in lines[1:] if line.strip()]
    closed = not path.endswith((".py", ".pyi")) and lines[-1].lstrip().startswith("}")
    deeper = [other for other in inner if other != indent or not closed]
    if indent and deeper and not indent_of(lines[0]) and all(o.startswith(indent) and o != indent for o in deeper):
        lines[0] = indent + lines[0]  # only the first line lacks what the others have
    margin = indent_of(lines[0])
    bare = [line.removeprefix(margin) if line.strip() else "" for line in lines]
    moved = [indent + line if line else "" for line in bare]
    rows = string_rows(path, "\n".join(bare))
    there = _lines_there(lines, old.split("\n"), rows)
    shifted = [there[row] == indent + lines[row] for row in there if indent_of(there[row]).startswith(indent)]
    for row, documents in rows.items():
        if row in there and (there[row] == lines[row] or (shifted and all(shifted))):
            moved[row] = there[row]
        elif not documents or not lines[row].strip():
            moved[row] = lines[row]
    return "\n".join(moved)


def _lines_there(lines: Sequence[str], old: Sequence[str], rows: Container[int]) -> dict[int, str]:
    """For the lines of these rows the lines of the old text that are the same but for their indentation."""
    mine, theirs = ([line.strip() for line in part] for part in (lines, old))
    blocks = difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks()
    pairs = ((block.a + n, old[block.b + n]) for block in blocks for n in range(block.size))
    return {row: line for row, line in pairs if row in rows}


def _check_defines(path: str, code: str, symbol: Symbol) -> None:
    """Raise EditRefused unless the Python code is the one definition that it is to replace."""
    if fault := python_fault(code.encode("utf-8", "replace"), part=True):
        raise EditRefused(f"Nothing was written: the code does not parse. Line {fault.line}: {fault.message}")
    try:
        names = [getattr(node, "name", "") for node in ast.parse(code).body]
    except SyntaxError:  # it is of a newer Python
        names = [s.name for s in definitions(path, code.encode("utf-8", "replace")) if "." not in s.qualified]
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
