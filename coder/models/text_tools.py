"""Tools for a server that has no tool calling: described in the system message, called in the text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from coder.models.contract import Asked, Message, ModelError, ToolSchema

T = TypeVar("T")

_HOW = """To act, write one call in exactly this form and then stop:
<tool_call>
{"name": "TOOL", "arguments": {"ARGUMENT": "VALUE"}}
</tool_call>
To edit a file you may write this instead of a call:
path/to/file
<<<<<<< SEARCH
the lines as they are now
=======
the new lines
>>>>>>> REPLACE
The tools:"""


def as_text(messages: Sequence[Message], tools: Sequence[ToolSchema]) -> list[Message]:
    """The conversation with nothing in it but system, user and assistant texts."""
    plain: list[Message] = []
    for message in messages:
        role, content = message["role"], message["content"]
        if role == "assistant":
            calls = "".join(f"\n{_call(c['name'], c['arguments'])}" for c in message.get("tool_calls", ()))
            plain.append({"role": "assistant", "content": f"{content}{calls}".strip()})
        elif role == "tool":
            text = f"<result of {message.get('name', 'the call')}>\n{content}\n</result>"
            if plain and plain[-1]["role"] == "user":  # several results are one turn of the user's
                plain[-1]["content"] += f"\n{text}"
            else:
                plain.append({"role": "user", "content": text})
        else:
            plain.append(Message(**message))
    if tools and plain:
        described = "\n".join(_described(tool) for tool in tools)
        plain[0] = Message(**{**plain[0], "content": f"{plain[0]['content']}\n\n{_HOW}\n{described}"})
    return plain


class ToolSupport:
    """Whether a server takes tools for this model. Where it does not, or turns out not to, they are described."""

    def __init__(self, native: bool) -> None:
        self._native = native
        self._asked: list[Asked] = []

    @contextmanager
    def telling(self) -> Iterator[list[Asked]]:
        """Every request that is made meanwhile, as it goes to the server. A ModelError takes them with it."""
        self._asked = []
        try:
            yield self._asked
        except ModelError as error:
            error.sent = tuple(self._asked)
            raise

    def sent(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema]
    ) -> tuple[Sequence[Message], Sequence[ToolSchema]]:
        """What goes to the server in place of these."""
        return (messages, tools) if self._native else (as_text(messages, tools), ())

    def ask(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSchema],
        hear: Callable[[Sequence[Message], Sequence[ToolSchema]], T],
        refused: Callable[[ModelError], bool],
        think: bool,
    ) -> T:
        """What `hear` makes of the answer to what is sent; asked once more, from now on without tools, where the first
        answer was that there can be none (`refused`)."""
        try:
            return hear(*self._noted(messages, tools, think))
        except ModelError as error:
            if not (tools and self._native and refused(error)):
                raise
        self._native = False
        return hear(*self._noted(messages, tools, think))

    def _noted(
        self, messages: Sequence[Message], tools: Sequence[ToolSchema], think: bool
    ) -> tuple[Sequence[Message], Sequence[ToolSchema]]:
        sent, described = self.sent(messages, tools)
        self._asked.append(Asked(messages=list(sent), tools=list(described), think=think))
        return sent, described


def _call(name: str, arguments: object) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}\n</tool_call>"


def _described(tool: ToolSchema) -> str:
    """One line: name(arguments; optional ones in brackets): what it does."""
    function = tool["function"]
    needed = function["parameters"].get("required", [])
    names = [name if name in needed else f"[{name}]" for name in function["parameters"]["properties"]]
    return f"- {function['name']}({', '.join(names)}): {function['description']}"
