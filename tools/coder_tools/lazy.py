"""Lines that stand in for code that their writer did not care to repeat: `# ... existing code ...`."""

from __future__ import annotations

import re

from coder_tools.syntax import EditRefused

_MARK = r"(?:#+|//+|/\*+|<!--|--)[ \t]*[\[(<{]?[ \t]*"
_DOTS = r"(?:\.{3}|…)"
_LEFT = r"(?:existing|rest|unchanged|remain\w*|same|omitted|other|previous|original|as before|left out)\b"
_CODE = r"(?:the |this |your )?(?:code|functions?|methods?|class(?:es)?|file|implementation|body|logic|tests?)\b"
_STAYS = r"(?:unchanged|here|same|as before|as is|above|omitted|goes|remains?|stays?|follows?|continues?)"
_FILLING = r"(?:[ \t]+(?:is|are|was|the|same|as|it|before|below|" + _STAYS[3:-1] + r"))*"
_END = r"[ \t]*[\])>}]?[ \t]*[.…]*[ \t]*(?:\*/|-->)?[ \t]*$"
_STANDS_IN = re.compile(
    r"^[ \t]*(?:"
    rf"{_MARK}{_DOTS}.{{0,60}}\b{_LEFT}"  # `// ... existing code`
    rf"|{_MARK}(?:the )?(?:rest|remainder|remaining)[ \t]+(?:of[ \t]+)?{_CODE}{_FILLING}{_END}"
    rf"|{_MARK}(?:the )?(?:existing|other|previous|original)[ \t]+{_CODE}{_FILLING}[ \t]+{_STAYS}{_END}"
    rf"|{_DOTS}[ \t]*[\[(]?(?:the )?{_LEFT}[^=:()\[\]\n]*[\])]?[ \t]*{_DOTS}?[ \t]*$"  # no doctest's `... rest = 1`
    r"|.*\[\.\.\. \d+ (?:more )?(?:characters|lines) left out"  # coder's own mark for what it did not show
    r")",
    re.IGNORECASE | re.MULTILINE,
)


def check_whole(there: str, new: str) -> None:
    """Raise EditRefused if a line of the new text stands in for others, and is not one that the file has."""
    for found in _STANDS_IN.finditer(new):
        end = new.find("\n", found.end())
        line = new[found.start() : end if end >= 0 else len(new)].strip()
        if line not in there:
            raise EditRefused(
                f"Nothing was written: the line `{line[:100]}` stands in for code that would be gone. Send every line."
            )
