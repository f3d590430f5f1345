"""Reads a unified diff that somebody else wrote, before anything is done with it.

Refused: paths that leave the tree or belong to git, links, submodules, devices and changes of mode to one of those.
"""

from __future__ import annotations

import re
import shlex
from io import StringIO

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from .faults import SnapshotError, shown_name
from .paths import path_fault

MODES = frozenset(("100644", "100755"))
"""Plain files and executable ones: of what git knows, all that a patch may make."""

_MODE = re.compile(r"(?:old mode|new mode|new file mode|deleted file mode) (\d+)$|index \S+ (\d+)$")
_NAME = re.compile(r"(?:rename from|rename to|copy from|copy to) (.+)$")


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
            named |= {_relative(part) for part in _two(line.removeprefix("diff --git "))}
    for path in named:
        if why := path_fault(path):
            raise SnapshotError(f"the patch is refused: {shown_name(path)!r}: {why}")
    return frozenset(named)


def _headers(patch: str) -> list[str]:
    """The lines outside hunks, in which git's own extensions stand."""
    found, left = [], [0, 0]
    for line in patch.split("\n"):
        if any(count > 0 for count in left):
            left[0] -= line[:1] in ("-", " ", "")
            left[1] -= line[:1] in ("+", " ", "")
        elif hunk := re.match(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", line):
            left = [int(count) if count is not None else 1 for count in hunk.groups()]
        else:
            found.append(line)
    return found


def _relative(name: str) -> str:
    """A name without the a/ or b/ that git puts before it."""
    name = _unquoted(name)
    return name[2:] if name[:2] in ("a/", "b/") else name


def _unquoted(name: str) -> str:
    if not (name.startswith('"') and name.endswith('"') and len(name) > 1):
        return name
    return name[1:-1].encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")


def _two(names: str) -> list[str]:
    """The names of a "diff --git" line, where they can be told apart; the others stand in further lines."""
    if '"' in names:
        try:
            parts = shlex.split(names)
        except ValueError:
            return []
        return parts if len(parts) == 2 else []
    middle = len(names) // 2
    if names[middle : middle + 1] == " " and names[2:middle] == names[middle + 3 :]:
        return [names[:middle], names[middle + 1 :]]
    return names.split(" ") if names.count(" ") == 1 else []
