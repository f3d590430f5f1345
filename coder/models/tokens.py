"""How many tokens a text will have, by its letters: most servers tell only afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from coder.models.contract import Message, ToolSchema

_FRAME = 8  # tokens a message costs beside its text
_IMAGE = 1100  # tokens of a picture, the most that the families here take at their own size
_OTHER = bytes(range(128, 256))
_RATIOS = (1.5, 4.0)  # the characters a token that are believed
_BYTES = (0.4, 1.0)  # the tokens a byte of anything but ASCII that are believed
_SHARE = 10  # what is less than one part in so many of a prompt does not tell how it was counted


@dataclass(frozen=True)
class Size:
    """How long a text is: characters of ASCII, and bytes (UTF-8) of all that is not."""

    plain: int = 0
    other: int = 0

    def __add__(self, more: Size) -> Size:
        return Size(self.plain + more.plain, self.other + more.other)


@dataclass(frozen=True)
class Density:
    """What a model's tokenizer makes of a text.

    `ratio`: characters of ASCII a token; code has about 3.2, prose about 4. `byte`: tokens a byte of anything else. It
    is at most one; a model of few languages comes near it (SmolLM2: Chinese 0.5, Thai 0.6, Korean 0.9).
    """

    ratio: float = 3.2
    byte: float = 1.0

    def tokens(self, size: Size) -> int:
        return int(size.plain / self.ratio + size.other * self.byte)

    def learnt(self, size: Size, tokens: int) -> Density:
        """Better known, by the true count of a text of this size; within what is believable."""
        plain, other = size.plain / self.ratio, size.other * self.byte
        if other * _SHARE < plain:
            return Density(_within(_RATIOS, size.plain / max(1.0, tokens - other)), self.byte)
        byte = (tokens - plain) / size.other
        ratio = size.plain / (tokens - size.other) if byte > 1.0 else self.ratio
        return Density(_within(_RATIOS, ratio), _within(_BYTES, byte))


USUAL = Density()
WRITTEN = Density(byte=0.4)
"""Of what a model writes: it knows the language that it writes in."""


def _within(limits: tuple[float, float], value: float) -> float:
    return min(limits[1], max(limits[0], value))


def size_of(text: str) -> Size:
    if text.isascii():
        return Size(len(text))
    data = text.encode("utf-8", "surrogatepass")
    plain = len(data.translate(None, _OTHER))
    return Size(plain, len(data) - plain)


def measured(messages: Sequence[Message], tools: Sequence[ToolSchema] = ()) -> Size:
    """All that the model gets to read of them."""
    size = size_of(json.dumps(list(tools), ensure_ascii=False)) if tools else Size()
    for message in messages:
        size += size_of(message["content"]) + size_of(message.get("thinking", ""))
        for call in message.get("tool_calls", ()):
            # a call's id pairs it with its answer and is not shown to the model
            size += size_of(json.dumps([call["name"], call["arguments"]], ensure_ascii=False))
    return size


def estimate(messages: Sequence[Message], tools: Sequence[ToolSchema] = (), density: Density = USUAL) -> int:
    """The tokens of a prompt. `density`: better known once a server has counted one."""
    pictures = sum(len(message.get("images", ())) for message in messages)
    return density.tokens(measured(messages, tools)) + _FRAME * len(messages) + _IMAGE * pictures


def written(text: str) -> int:
    """The tokens of what a model wrote."""
    return WRITTEN.tokens(size_of(text))


def beginning(text: str, tokens: float, density: Density) -> int:
    """How many characters from the text's first on have at most so many tokens."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if density.tokens(size_of(text[:middle])) <= tokens else (low, middle - 1)
    return low
