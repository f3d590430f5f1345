"""The forms in which a model may edit: which to ask for, and those that it writes into its text anyway."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from coder_tools.headings import path_above

Format = Literal["search", "function", "whole", "diff"]
FORMATS: tuple[Format, ...] = ("search", "function", "whole", "diff")

HOW: Mapping[Format, str] = {
    "search": "To change code, call edit_file with `search` (the lines exactly as they are) and `replace`.",
    "function": "To change code, call edit_file with `function` (its name) and `replace` (the whole new function).",
    "whole": "To change a file, call create_file with its path and its whole new content.",
    "diff": "To change code, call edit_file with `diff`: a unified diff of the file, with three lines around.",
}

_SMALL, _MIDDLE = 3.0, 10.0  # billions of parameters
_QUOTES = r"[`*\"']{0,6}"
_PATH = rf"{_QUOTES}(?:(?:file|path|filename)[ \t]*:[ \t]*)?{_QUOTES}(?P<path>[\w./+@-]{{0,400}}\w\.\w+){_QUOTES}:?"
_BLOCK = re.compile(
    r"^[<-]{5,9} ?SEARCH[^\n]*\n(?P<search>.*?)^={5,9}[ \t]*\n(?P<replace>.*?)^[>+]{5,9} ?REPLACE",
    re.M | re.S,
)
_WHERE = re.compile(r"\A(?::(?:start|end)_line:[^\n]*\n)+-{5,9}[ \t]*\n")
"""Where Roo Code says that a block belongs; the block's text tells it too."""
_DIFF = re.compile(
    r"^--- [^\n]+\n\+\+\+ (?:b/)?(?P<path>[^\s]+)[^\n]*\n"
    r"(?P<body>(?:(?:@@|(?!--- [^\n]*\n\+\+\+ [^\n]*\n@@)[ +\-\\])[^\n]*\n?|\n(?=[ +\-@\n]))+)",
    re.M,
)
_FILE = re.compile(rf"^{_PATH}[ \t]*\n+^```[\w+-]*[ \t]*\n(?P<content>.*?)^```[ \t]*$", re.M | re.S)
_FENCE_PATH = re.compile(r"^```[\w+-]*[ :]+(?P<path>[\w./+@-]*\w\.\w+)[ \t]*\n(?P<content>.*?)^```[ \t]*$", re.M | re.S)


def choose(billions: float, record: Mapping[str, list[int]]) -> Format:
    """The form to ask for: by the model's size (0: unknown), and by [landed, refused] of each form so far.

    Small models copy lines badly and write small things whole well; large ones do better with little to write.
    """
    first: Format = "search"
    if 0 < billions <= _SMALL:
        first = "whole"
    elif 0 < billions <= _MIDDLE:
        first = "function"
    order = [first, *(f for f in FORMATS if f != first)]

    def score(form: str) -> float:
        landed, refused = record.get(form, [0, 0])
        return (landed + 1) / (landed + refused + 1)

    return max(order, key=lambda form: (score(form) > 0.4, -order.index(form)))


def format_of(name: str, arguments: Mapping[str, Any]) -> Format | None:
    """The form that a call edits in; None for a call that is no edit."""
    if name == "create_file":
        return "whole"
    if name != "edit_file":
        return None
    kinds: tuple[Format, ...] = ("diff", "search", "function")
    first = arguments["edits"][0] if arguments.get("edits") else arguments
    if "content" in first:
        return "whole"
    return next((kind for kind in kinds if first.get(kind)), None)


def blocks_in(text: str, path: str = "") -> list[dict[str, Any]]:
    """The SEARCH/REPLACE blocks of a text, each as what it replaces and by what, with the file that it is for where
    that is said: `path` is that of the first. An empty path: it is in doubt."""
    found = []
    end = 0
    for match in _BLOCK.finditer(text):
        above = path_above(text[end : match.start()], path)
        path, end = above or path, match.end()
        block = {"search": _WHERE.sub("", match["search"], count=1), "replace": match["replace"]}
        found.append({"path": above, **block} if path else block)
    return found


def edits_in(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Calls for the edits written into a text: SEARCH/REPLACE blocks, unified diffs, whole files with their path."""
    blocks = [("edit_file", block) for block in blocks_in(text) if "path" in block]
    if blocks:
        return blocks
    diffs = [("edit_file", {"path": m["path"], "diff": m["body"]}) for m in _DIFF.finditer(text) if "@@" in m["body"]]
    if diffs:
        return diffs
    files = [*_FILE.finditer(text), *_FENCE_PATH.finditer(text)]
    return [("create_file", {"path": m["path"], "content": m["content"]}) for m in files]
