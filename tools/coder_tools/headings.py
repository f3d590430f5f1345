"""Which file the lines above an edit name."""

from __future__ import annotations

import re

_LINES = 12  # above an edit that may say which file it is for
_LONGEST = 400  # characters of a line that may name a file
_BARE = r"(?:Docker|Make|make|GNUmake|Jenkins|Rake|Gem|Proc|Just|Vagrant|Brew)file|README|LICENSE"
_PATH = rf"[\w.@+-]+/[\w./@+ -]*\w\.\w+|[\w./@+-]*\w\.\w+|(?:[\w./@+-]*/)?(?:{_BARE})|[\w.@+-]+/[\w./@+-]*\w"
_LEAD = r"(?:[-*+>][ \t]+|#+[ \t]*|//[ \t]*|\d+[.)][ \t]+)*(?:<\w+>)?"
_FILLING = r"(?:in|and|then|now|next|also|for|the|file|path|filename|update|change|edit|modify|fix)\b[ \t:]*"
_HEADING = re.compile(
    rf"{_LEAD}[`*\"']{{0,6}}(?:{_FILLING}){{0,4}}[`*\"']{{0,6}}(?P<path>{_PATH})[`*\"']{{0,6}}(?:</\w+>)?"
    r"[ \t]*(?:\([^()]*\))?:?[`*]{0,4}",
    re.IGNORECASE,
)
_FENCE = re.compile(rf"```[\w+-]*[ :]+(?P<path>{_PATH})")
_MENTION = re.compile(
    r"(?<![\w./@+-])[\w./@+-]{0,200}\w\.(?:pyi?|jsx?|mjs|cjs|tsx?|rs|java|cc|cpp|hpp|go|toml|json|ya?ml|cfg|ini|md|txt"
    r"|html|css|sh|sql|xml|rst)\b(?!\.\w)"
)


def path_above(above: str, before: str) -> str:
    """The file that the nearest heading above an edit names, else `before`, that of the edit before ("": there was
    none), as long as no other file is spoken of in between; "" where it is in doubt which one is meant."""
    spoken_of: set[str] = set()
    for line in reversed(above.split("\n")[-_LINES:]):
        line = line.strip()
        named = _FENCE.fullmatch(line) or _HEADING.fullmatch(line) if len(line) <= _LONGEST else None
        if named:
            return named["path"]
        spoken_of |= set(_MENTION.findall(line[:_LONGEST]))
    others = spoken_of - {before}
    if others and (before or len(others) > 1):
        return ""
    return others.pop() if others else before
