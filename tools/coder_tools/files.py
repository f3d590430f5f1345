"""Look at files: list them, read a window of one, find the one that was meant."""

from __future__ import annotations

import difflib
from collections import Counter
from fnmatch import fnmatchcase

from coder_tools.text import cap_lines, clean, decode
from coder_tools.workspace import ToolError, Workspace, contained

_LINE_LIMIT = 400  # characters of a line that are shown


def list_files(workspace: Workspace, under: str = "", limit: int = 8000) -> str:
    """The files below a directory or matching a pattern such as `src/*.py`, at most `limit` characters.

    Where they are too many, directories stand for what is in them.
    """
    under = under.strip().removeprefix("./").strip("/")
    if under in ("", ".", "*", "**"):
        names = workspace.files()
    else:
        prefix = contained(under)
        names = [n for n in workspace.files() if n.startswith(prefix + "/") or fnmatchcase(n, prefix)]
    if not names:
        raise ToolError(f"There is nothing at {under!r}. Call list_files without arguments to see everything.")
    shown = [clean(name) for name in names]
    if sum(len(name) + 1 for name in shown) > limit:
        shown = _folded(shown, under)
    return f"{len(names)} files\n" + cap_lines(shown, limit, "name a directory to see more")


def _folded(names: list[str], under: str) -> list[str]:
    """Each file directly there, and each directory below with how many files it holds."""
    depth = under.count("/") + 1 if under and "*" not in under else 0
    plain = [name for name in names if name.count("/") <= depth]
    deep = Counter("/".join(n.split("/")[: depth + 1]) for n in names if n.count("/") > depth)
    return [*(f"{directory}/ ({count} files)" for directory, count in sorted(deep.items())), *plain]


def read_window(workspace: Workspace, path: str, start: int = 1, end: int = 0, limit: int = 12000) -> str:
    """Lines `start` to `end` (both included, 0: as many as fit) as they are, under a heading that says which.

    Without numbers: edits are made by text, numbers would be copied into them, and they cost a fifth of the tokens.
    """
    text = clean(decode(path, workspace.read(path)).text)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        return f"{path} is empty."
    if start > len(lines):
        raise ToolError(f"{path} has only {len(lines)} lines. Read from an earlier one.")
    start = max(1, start)
    end = min(end if end >= start else len(lines), len(lines))
    shown: list[str] = []
    for line in map(shortened, lines[start - 1 : end]):
        limit -= len(line) + 1
        if limit < 0 and shown:
            break
        shown.append(line)
    last = start + len(shown) - 1
    which = f"lines {start} to {last} of {len(lines)}" if (start, last) != (1, len(lines)) else f"{last} lines"
    more = [f"[... {end - last} more lines left out: read on from line {last + 1}]"] if last < end else []
    return "\n".join([f"{path}, {which}:", *shown, *more])


def shortened(line: str) -> str:
    """A line, cut where it is so long that it is data."""
    if len(line) > _LINE_LIMIT:
        return f"{line[:_LINE_LIMIT]} [... {len(line) - _LINE_LIMIT} characters left out]"
    return line


def meant(workspace: Workspace, given: str, to_write: bool = False) -> str:
    """The existing file meant by this path. Raises ToolError where there is none or some doubt.

    `to_write`: it is going to be changed. Then a path that leads to no file never stands for one higher up.
    """
    parts = [part for part in given.strip().replace("\\", "/").split("/") if part not in ("", ".")]
    if ".." not in parts and parts:
        path = "/".join(parts)
        if workspace.exists(path) and contained(path):
            return path
        # An absolute or too long path names its file by the end; a bare name may be unique.
        files = workspace.files()
        tails = set() if to_write and not _is_absolute(given) else _tails(files, parts, to_write)
        found = [name for name in files if name in tails] or [n for n in files if n.endswith("/" + path)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ToolError(f"{given!r} could be any of {', '.join(sorted(found)[:5])}. Give the whole path.")
    path = contained(given)
    near = difflib.get_close_matches(path, workspace.files(), n=3, cutoff=0.6)
    hint = f"Did you mean {' or '.join(near)}?" if near else "Call list_files to see what there is."
    raise ToolError(f"There is no file {path}. {hint}")


def _is_absolute(given: str) -> bool:
    return given.strip().startswith(("/", "\\")) or given.strip()[1:2] == ":"


def _tails(files: list[str], parts: list[str], to_write: bool) -> set[str]:
    """What a path may be in the repository if it begins above it; with `to_write` no directory of it is left out."""
    inside = {part for name in files for part in name.split("/")[:-1]} if to_write else set()
    first = max((at for at, part in enumerate(parts[:-1]) if part in inside), default=None)
    depths = range(1, len(parts) if first is None else first + 1)
    return {"/".join(parts[depth:]) for depth in depths}
