"""Bytes to text and back without loss, and text made fit to show."""

from __future__ import annotations

import io
import re
import tokenize
from dataclasses import dataclass

from coder_tools.workspace import ToolError

_LINE = 1000  # characters of one line of a log

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS and their kin, with their text
    r"|\x1b[ -/]*[0-~]?"
)
# Controls but tab and newline; the C1 range; marks that reorder or hide what is shown; lone surrogates.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True)
class Decoded:
    """A text file's content with what is needed to write it back byte for byte."""

    text: str
    encoding: str
    errors: str

    def encode(self, text: str) -> bytes:
        """Raises ToolError if the file's encoding has no such character."""
        try:
            return text.encode(self.encoding, self.errors)
        except UnicodeEncodeError as error:
            bad = error.object[error.start]
            raise ToolError(
                f"The file is written in {self.encoding}, which has no {bad!r}. Use an escape instead."
            ) from None


def decode(path: str, data: bytes) -> Decoded:
    """The file's text. Raises ToolError for a binary file."""
    if b"\0" in data:
        raise ToolError(f"{path} is a binary file of {len(data)} bytes. Choose a text file.")
    for encoding in (_declared(path, data), "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"):
        try:
            text = data.decode(encoding)
            if text.encode(encoding) == data:
                return Decoded(text, encoding, "strict")
        except (UnicodeError, LookupError):
            continue
    return Decoded(data.decode("utf-8", "surrogateescape"), "utf-8", "surrogateescape")


def _declared(path: str, data: bytes) -> str:
    """The encoding a Python file declares in its first lines; utf-8 where it declares none."""
    if not path.endswith((".py", ".pyi", ".pyw")):
        return "utf-8"
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:
        return "utf-8"


def clean(text: str) -> str:
    """Text as data: no terminal escapes, no invisible controls, newlines plain."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "")
    return _UNSHOWABLE.sub("\ufffd", text)


def cap(text: str, limit: int) -> str:
    """At most about `limit` characters: the beginning and the end, with what was cut between them counted."""
    if len(text) <= limit:
        return text
    head, tail = limit * 2 // 3, limit // 3
    return f"{text[:head]}\n[... {len(text) - head - tail} characters left out ...]\n{text[-tail:]}"


def cap_name(name: str, limit: int) -> str:
    """A name in one line of at most about `limit` characters: both its ends, with what was cut between them counted."""
    if len(name) <= limit:
        return name
    head, tail = limit * 2 // 3, limit // 3
    return f"{name[:head]}[... {len(name) - head - tail} characters left out ...]{name[len(name) - tail :]}"


_MATTERS = re.compile(r"^E {2,}|^>|Error\b|Exception\b|\bassert|[Ee]xpected|[Aa]ctual|panicked|FAIL|:\d+: ")


def cap_around(text: str, limit: int) -> str:
    """At most about `limit` characters: the lines that look like an error, the last ones first, with two around each,
    then the end and the beginning; what was left out is counted where it was."""
    if len(text) <= limit:
        return text
    lines = text.split("\n")
    marked = [at for at in range(len(lines) - 1, -1, -1) if _MATTERS.search(lines[at])]
    around = (near for at in marked for near in (at, at - 1, at + 1, at - 2, at + 2))
    ends = (end for at in range(len(lines)) for end in (len(lines) - 1 - at, at))
    kept: set[int] = set()
    size = 0
    for at in (*around, *ends):
        if at not in kept and 0 <= at < len(lines):
            size += min(len(lines[at]), _LINE) + 1
            if size > limit:
                break
            kept.add(at)
    shown: list[str] = []
    before = -1
    for at in [*sorted(kept), len(lines)]:
        if at - before > 1:
            shown.append(f"[... {at - before - 1} lines left out ...]")
        if at < len(lines):
            shown.append(cap(lines[at], _LINE) if len(lines[at]) > _LINE else lines[at])
        before = at
    return "\n".join(shown)


def numbered(number: int, line: str) -> str:
    """A line with where it is, for a list of places."""
    return f"{number}|{line}"


def cap_lines(lines: list[str], limit: int, hint: str) -> str:
    """Whole lines up to about `limit` characters, then how many were left out and what to do about it."""
    size = 0
    for kept, line in enumerate(lines):
        size += len(line) + 1
        if size > limit and kept:
            return "\n".join([*lines[:kept], f"[... {len(lines) - kept} more lines left out: {hint}]"])
    return "\n".join(lines)
