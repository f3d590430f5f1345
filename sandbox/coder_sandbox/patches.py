"""Reads a unified diff that somebody else wrote, before anything is done with it.

Refused: paths that leave the tree or belong to git, links, submodules, devices and changes of mode to one of those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from .faults import SnapshotError, shown_name
from .paths import path_fault

MODES = frozenset(("100644", "100755"))
"""Plain files and executable ones: of what git knows, all that a patch may make."""

_MODE = re.compile(r"(?:old mode|new mode|new file mode|deleted file mode) (\d+)$|index \S+ (\d+)$")
_NAME = re.compile(r"(?:rename|copy) (?:from|to|old|new) (.+)$")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TWO_QUOTED = re.compile(rf"({_QUOTED}) (.+)|(.+) ({_QUOTED})")
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def paths_of(patch: str) -> frozenset[str]:
    """The files that a patch is about, relative to its tree. SnapshotError, in words, if it is refused."""
    try:
        files = PatchSet(StringIO(patch, newline="\n"))  # lines as git has them: no other character ends one
    except UnidiffParseError as error:
        raise SnapshotError(f"the patch is refused: it cannot be read ({error})") from None
    named = {_relative(name) for file in files for name in (file.source_file, file.target_file) if name != "/dev/null"}
    for line in _headers(patch):
        if (mode := _MODE.match(line)) and (mode[1] or mode[2]) not in MODES:
            raise SnapshotError(f"the patch is refused: it makes or changes something that is no plain file: {line}")
        if name := _NAME.match(line):
            named.add(_unquoted(name[1]))
        if line.startswith("diff --git "):
            named |= {_relative(name) for name in _two(line.removeprefix("diff --git "))}
    for path in named:
        if why := path_fault(path):
            raise SnapshotError(f"the patch is refused: {shown_name(path)!r}: {why}")
    return frozenset(named)


def _headers(patch: str) -> list[str]:
    """The lines outside hunks, in which git's own extensions stand."""
    found, left = [], [0, 0]
    for line in patch.split("\n"):
        if any(count > 0 for count in left) and line[:1] in ("-", "+", " ", "\\", ""):
            left[0] -= line[:1] in ("-", " ", "")
            left[1] -= line[:1] in ("+", " ", "")
        elif hunk := re.match(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", line):
            left = [int(count) if count is not None else 1 for count in hunk.groups()]
        else:
            left = [0, 0]  # whatever a hunk has promised, it ends with a line that is none of its own
            found.append(line)
    return found


def _relative(name: str) -> str:
    """A name as git takes it: without its first part, whatever that is (a/ and b/ are only usual)."""
    name = _unquoted(name)
    return name if name.startswith("/") or "/" not in name else name.partition("/")[2]


def _unquoted(name: str) -> str:
    """A name as it is, of one that git has put in quotes: its bytes are escaped there, not its characters."""
    if not (name.startswith('"') and name.endswith('"') and len(name) > 1):
        return name
    data = name[1:-1].encode("utf-8", "surrogatepass")
    return _ESCAPED.sub(lambda match: _escape(match[1]), data).decode("utf-8", "surrogateescape")


def _escape(text: bytes) -> bytes:
    return bytes([int(text, 8) & 0xFF]) if text.isdigit() else _LETTERS.get(text, text)


def _two(names: str) -> Iterator[str]:
    """The names of a "diff --git" line, in every way in which it can be read.

    Where there are no others, git takes the line apart where both sides are the same but for their first part.
    """
    if quoted := _TWO_QUOTED.fullmatch(names):
        yield from (name for name in quoted.groups() if name)
        return
    for at in (match.start() for match in re.finditer("[ \t]", names)):
        one, other = names[:at], names[at + 1 :]
        if _relative(one) == _relative(other) or len(names.split()) == 2:
            yield from (one, other)
