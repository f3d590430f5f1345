"""Edits inside what models put around them: fences of Markdown, and the patches that `apply_patch` takes."""

from __future__ import annotations

import re
from typing import Any

from coder_tools.workspace import ToolError

_FENCED = re.compile(r"\s*```[\w+-]*[ \t]*\n(?P<inner>.*?)\n?[ \t]*```\s*", re.DOTALL)
_PATCH = re.compile(r"\s*(?:```\w*\n)?(?:\*\*\* Begin Patch|--- \S+\n\+\+\+ |diff --git )")
_MARK = re.compile(r"^\*\*\* (?:Begin Patch|End Patch|End of File)[ \t]*\n?", re.MULTILINE)
_FILE = re.compile(r"^\*\*\* (?P<what>Add|Update|Delete|Move)[^:\n]*: *(?P<path>[^\n]+?)[ \t]*\n", re.MULTILINE)
_NAMES = re.compile(r"^--- (?P<old>[^\t\n]+)[^\n]*\n\+\+\+ (?P<new>[^\t\n]+)[^\n]*\n(?=@@)", re.MULTILINE)
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


def of_patch(arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """An edit by a patch as one of each file, with the path that the patch names and the diff in it, or with `content`
    for a file that it adds. Raises ToolError for one that moves or removes a file."""
    diff = arguments.get("diff")
    if not isinstance(diff, str):
        return [arguments]
    rest = {name: value for name, value in arguments.items() if name != "diff"}
    if files := list(_FILE.finditer(diff)):
        ends = [*(file.start() for file in files[1:]), len(diff)]
        return [rest | _section(file, diff[file.end() : end]) for file, end in zip(files, ends, strict=True)]
    files = list(_NAMES.finditer(diff))
    named = {_name(file) for file in files}
    if len(named) == 1 and "path" not in arguments and files[0]["old"].strip() != "/dev/null":
        return [{"path": named.pop(), **arguments}]
    if len(named) < 2 and not (files and files[0]["old"].strip() == "/dev/null"):
        return [arguments]
    ends = [*(file.start() for file in files[1:]), len(diff)]
    return [rest | _part(file, diff[file.start() : end]) for file, end in zip(files, ends, strict=True)]


def _section(file: re.Match[str], lines: str) -> dict[str, Any]:
    """What a patch for `apply_patch` does to one file."""
    if file["what"] in ("Delete", "Move"):
        raise ToolError("Nothing was written: no file is moved or removed here. Send a patch of what is in the files.")
    lines = _MARK.sub("", lines)
    if file["what"] == "Update":
        return {"path": file["path"], "diff": lines}
    return {"path": file["path"], "content": re.sub(r"^\+", "", lines, flags=re.MULTILINE)}


def _part(file: re.Match[str], diff: str) -> dict[str, Any]:
    """What a unified diff does to one file."""
    if file["old"].strip() != "/dev/null":
        return {"path": _name(file), "diff": diff}
    added = [line[1:] for line in diff.split("\n")[2:] if line.startswith("+")]
    return {"path": _name(file), "content": "\n".join(added)}


def _name(file: re.Match[str]) -> str:
    name = file["old"] if file["new"].strip() == "/dev/null" else file["new"]
    return re.sub(r"^[ab]/", "", name.strip())
