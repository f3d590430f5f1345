"""What a chat backend is. One backend, one file, behind this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, Protocol, TypedDict


class ToolCall(TypedDict):
    """One call a model asked for. `id` pairs it with its result and means nothing else."""

    id: str
    name: str
    arguments: dict[str, Any]


class Message(TypedDict):
    """One message of a conversation, JSON-able so that it can be stored and resumed."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    thinking: NotRequired[str]  # of an assistant message
    tool_calls: NotRequired[list[ToolCall]]  # of an assistant message
    name: NotRequired[str]  # of a tool message: which tool answered
    tool_call_id: NotRequired[str]  # of a tool message: which call it answers
    images: NotRequired[list[str]]  # of a user message: data URLs


ToolSchema = dict[str, Any]
"""A tool in the OpenAI form: {"type": "function", "function": {name, description, parameters}}."""


class Asked(TypedDict):
    """One request as it went to the server: the tools may have become a part of the text."""

    messages: list[Message]
    tools: list[ToolSchema]
    think: bool


@dataclass(frozen=True)
class Reply:
    """What a model answered. Token counts are the server's own, or estimates where it does not tell."""

    text: str
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = field(default_factory=tuple)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    done_reason: str = ""  # "stop", "length", "tool_calls" as the server gave it
    calls: int = 1  # requests it took: 2 where the thoughts were cut short and the answer asked for without any
    sent: tuple[Asked, ...] = ()  # what went to the server, request by request; () where the backend does not tell
    load_seconds: float = 0.0  # how long the server loaded the model for this, where it tells


class ModelError(Exception):
    """The model could not be asked or did not answer. The message says what failed and what to do.

    `retryable`: asking again may help (server busy, stream broken); otherwise somebody must act first.
    `retry_after`: seconds the server wants to be left alone; 0 where it did not say.
    `calls`, `prompt_tokens`: of requests that ended a step in the middle, so that its counts do not hold them.
    `sent`: those requests, as they went to the server.
    """

    sent: Sequence[Mapping[str, Any]] = ()
    calls = 0
    prompt_tokens = 0

    def __init__(self, message: str, *, retryable: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after


class ChatModel(Protocol):
    """A model to talk to. Not safe for use from several threads at once."""

    name: str  # as the user would write it: "ollama:gemma4:e4b"
    context: int  # tokens that prompt and answer may have together
    billions: float  # of parameters; 0 where nobody tells
    images: bool  # whether it takes pictures

    def chat(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSchema],
        *,
        think: bool,
        max_tokens: int,
        timeout: float,
        think_limit: int | None = None,
        temperature: float | None = None,
    ) -> Reply:
        """Ask once, with no hidden retries. Raises ModelError.

        timeout: seconds for the whole answer. think_limit: tokens of thinking after which it is cut short and the
        answer asked for without. temperature: None for the model's own. A server without tool calling gets the
        tools as text, and its calls stay in the reply's text.
        """
        ...

    def count(self, text: str) -> int:
        """The tokens of a text by the model's own tokenizer; 0 where the server has no way to ask."""
        ...
