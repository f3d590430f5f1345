"""Edits inside what models put around them: fences of Markdown, and the patches that `apply_patch` takes."""

from __future__ import annotations

import re
from typing import Any

from coder_tools.workspace import ToolError

_FENCED = re.compile(r"\s*```[\w+-]*[ \t]*\n(?P<inner>.*?)\n?[ \t]*```\s*", re.DOTALL)
_PATCH = re.compile(r"\s*(?:```\w*\n)?(?:\*\*\* Begin Patch|--- \S+\n\+\+\+ |diff --git )")
_MARK = re.compile(r"^\*\*\* (?:Begin Patch|End Patch|End of File)[ \t]*\n?", re.MULTILINE)
_FILE = re.compile(r"^\*\*\* (?P<what>Add|Update|Delete|Move)[^:\n]*: *(?P<path>[^\n]+?)[ \t]*\n", re.MULTILINE)
_NAMES = re.compile(r"^--- (?P<old>[^\t\n]+)[^\n]*\n\+\+\+ (?P<new>[^\t\n]+)", re.MULTILINE)
_TEXTS = ("search", "replace", "content", "diff")


def is_patch(text: str) -> bool:
    """Whether a text is a patch, and no JSON."""
    return _PATCH.match(text) is not None


def bare(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of an edit without fences around its texts; those of Markdown's own files stay."""
    if str(arguments.get("path", "")).lower().endswith((".md", ".markdown", ".mdx", ".rst")):
        return arguments
    return {name: _unfenced(value) if name in _TEXTS else value for name, value in arguments.items()}


def _unfenced(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    found = _FENCED.fullmatch(text)
    return found["inner"] + "\n" if found and "```" not in found["inner"] else text


def of_patch(arguments: dict[str, Any]) -> dict[str, Any]:
    """An edit by a patch with the path that the patch names and the diff in it, or, for a file that it adds, with
    `content`. Raises ToolError for one of several files, or one that moves or removes a file."""
    diff = arguments.get("diff")
    if not isinstance(diff, str):
        return arguments
    files = list(_FILE.finditer(diff))
    if not files:
        path = "" if "path" in arguments else _named_in(diff)
        return {"path": path, **arguments} if path else arguments
    if len(files) > 1 or files[0]["what"] in ("Delete", "Move"):
        raise ToolError("Nothing was written: no file is moved or removed, and one a call. Send a call for each file.")
    [file] = files
    lines = _MARK.sub("", diff[file.end() :])
    given = {"path": file["path"], **arguments}
    if file["what"] == "Update":
        return given | {"diff": lines}
    del given["diff"]
    return given | {"content": re.sub(r"^\+", "", lines, flags=re.MULTILINE)}


def _named_in(diff: str) -> str:
    """The one file that a unified diff is of, "" if it names none. Raises ToolError for several."""
    found = set()
    for pair in _NAMES.finditer(diff):
        name = pair["old"] if pair["new"].strip() == "/dev/null" else pair["new"]
        found.add(re.sub(r"^[ab]/", "", name.strip()))
    if len(found) > 1:
        names = ", ".join(sorted(found)[:5])
        raise ToolError(f"Nothing was written: the diff is of {names}. Send a call for each file.")
    return found.pop() if found else ""
