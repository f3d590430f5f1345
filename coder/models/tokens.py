"""How many tokens a prompt will have, by its characters: most servers tell only afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence

from coder.models.contract import Message, ToolSchema

CHARS_PER_TOKEN = 3.2  # code; prose has about 4
_FRAME = 8  # tokens a message costs beside its text
_IMAGE = 1100  # tokens of a picture, the most that the families here take at their own size


def characters(messages: Sequence[Message], tools: Sequence[ToolSchema] = ()) -> int:
    """The characters the model gets to read."""
    size = len(json.dumps(list(tools), ensure_ascii=False)) if tools else 0
    for message in messages:
        size += len(message["content"]) + len(message.get("thinking", ""))
        if calls := message.get("tool_calls"):
            # a call's id pairs it with its answer and is not shown to the model
            size += sum(len(json.dumps([c["name"], c["arguments"]], ensure_ascii=False)) for c in calls)
    return size


def estimate(messages: Sequence[Message], tools: Sequence[ToolSchema] = (), ratio: float = CHARS_PER_TOKEN) -> int:
    """The tokens of a prompt. `ratio`: characters a token, better known once a server has counted one."""
    pictures = sum(len(message.get("images", ())) for message in messages)
    return int(characters(messages, tools) / ratio) + _FRAME * len(messages) + _IMAGE * pictures
