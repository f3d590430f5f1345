"""Thinking held within a limit: the stream is cut, and the answer asked for without."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from coder.models.contract import Message
from coder.models.stream import Heard

_TAIL = 1500  # characters of a thought that was cut short that are given back


def without_more(messages: Sequence[Message], thought: str) -> list[Message]:
    """The question again, with the end of what was thought so far and the word to answer now."""
    last = messages[-1]
    hint = f"\n\nYou have reasoned long enough. It ended with:\n{thought[-_TAIL:].strip()}\nAnswer now, at once."
    return [*messages[:-1], Message(**{**last, "content": last["content"] + hint})]


def held(
    ask: Callable[[Sequence[Message], bool, int | None], Heard],
    messages: Sequence[Message],
    *,
    think: bool,
    limit: int | None,
) -> tuple[Heard, Heard | None]:
    """The answer, and the stream that was cut before it if one was. `ask` takes messages, think and the limit."""
    first = ask(messages, think, limit)
    if not first.cut:
        return first, None
    second = ask(without_more(messages, first.thinking), False, None)
    second.thinking = first.thinking + second.thinking
    return second, first
