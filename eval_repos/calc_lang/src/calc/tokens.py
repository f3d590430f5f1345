"""Text to tokens."""

import re
from typing import NamedTuple

from .errors import CalcError

PATTERN = re.compile(
    r"\s*(?:(?P<number>\d+\.\d*|\.\d+|\d+)|(?P<name>[A-Za-z_]\w*)|(?P<symbol>\*\*|[-+*/%(),=]))"
)


class Token(NamedTuple):
    """`kind` is number, name, symbol or end."""

    kind: str
    text: str
    position: int


def tokenize(text):
    """All tokens and one of kind "end". Raises CalcError for a character that cannot be."""
    tokens = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = PATTERN.match(text, position)
        if match is None:
            raise CalcError("unexpected character %r" % text[position:].lstrip()[0], position)
        kind = match.lastgroup
        tokens.append(Token(kind, match.group(kind), match.start(kind)))
        position = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens
