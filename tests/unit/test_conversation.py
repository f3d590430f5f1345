"""How a conversation is fitted into a window: what is sent again stays the same as long as it can."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence

import pytest

from coder.models.contract import Message, ToolSchema
from coder.models.tokens import estimate
from coder.policies.conversation import Conversation
from coder_tools.toolbox import schemas

SYSTEM = Message(role="system", content="Rules and the task. " * 125)
TOOLS = schemas("search")
STEPS = 40


def sent_as(messages: Sequence[Message], tools: Sequence[ToolSchema]) -> str:
    """The prompt as the server reads it: the tools are part of its beginning."""
    return json.dumps(list(tools)) + json.dumps(list(messages))[:-1]


def shares_of_new(limit: int, opening: int, lines: int) -> list[float]:
    """Of each prompt of a long conversation, the share that was not in the one before. `limit`: tokens a prompt may
    have; `opening`: characters; `lines`: of each answer of a tool."""
    talk = Conversation(memory := {})
    talk.restart(Message(role="user", content="o" * opening))
    before, new = "", []
    for step in range(STEPS):
        messages = talk.fit(SYSTEM, TOOLS, limit)
        assert estimate(messages, TOOLS) <= limit
        text = sent_as(messages, TOOLS)
        same = next((at for at, (a, b) in enumerate(zip(before, text, strict=False)) if a != b), len(before))
        new.append(1 - same / len(text))
        before = text
        [call] = talk.reply("", "", [("read_file", {"path": f"f{step}.py"})])
        talk.answer(call, "read_file", f"f{step}.py, {lines} lines:\n" + "x = 1\n" * lines, f"key {step}")
        memory = json.loads(json.dumps(memory))
    return new[1:]


@pytest.mark.parametrize(
    ("window", "opening", "lines", "most"), [(16_384, 4_800, 350, 0.25), (4_096, 1_600, 150, 0.26)]
)
def test_most_of_a_long_conversation_is_in_the_cache(window: int, opening: int, lines: int, most: float) -> None:
    limit = window - min(4096, window // 3) - window // 20
    new = shares_of_new(limit, opening, lines)
    assert statistics.mean(new) <= most


def test_half_a_character_in_a_reply_is_not_sent_back() -> None:
    """No server takes one: the next request would fail, and be called the server's fault."""
    talk = Conversation({})
    talk.restart(Message(role="user", content="begin"))
    talk.reply("a\ud800", "b\udfff", [("create\ud800", {"path": "a\ud800.py", "lines": ["\ud83d"]})])
    sent = json.dumps(talk.messages, ensure_ascii=False)
    assert sent.encode().count("\ufffd".encode()) == 5
    talk.reply("\U0001f600", "", [])
    assert talk.messages[-1]["content"] == "\U0001f600"
