"""coder's own messages as LangChain's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from coder.models.contract import Message

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage


def to_langchain(messages: Sequence[Message]) -> list[BaseMessage]:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
    from langchain_core.messages import ToolCall as LangChainCall

    def ai(message: Message) -> AIMessage:
        calls: list[LangChainCall] = [
            LangChainCall(name=c["name"], args=c["arguments"], id=c["id"], type="tool_call")
            for c in message.get("tool_calls", ())
        ]
        extra = {"reasoning_content": message["thinking"]} if message.get("thinking") else {}
        return AIMessage(content=message["content"], tool_calls=calls, additional_kwargs=extra)

    make: dict[str, Callable[[Message], BaseMessage]] = {
        "system": lambda m: SystemMessage(content=m["content"]),
        "user": lambda m: HumanMessage(content=_with_images(m)),
        "assistant": ai,
        "tool": lambda m: ToolMessage(content=m["content"], name=m.get("name"), tool_call_id=m.get("tool_call_id", "")),
    }
    return [make[message["role"]](message) for message in messages]


def _with_images(message: Message) -> Any:
    """The text alone, or text and pictures as LangChain has them in one message."""
    pictures = [{"type": "image_url", "image_url": {"url": url}} for url in message.get("images", ())]
    return [{"type": "text", "text": message["content"]}, *pictures] if pictures else message["content"]
