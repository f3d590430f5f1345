"""The conversation of a model with its tools, kept as JSON in the run so that it can be resumed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from coder.models.contract import Message, ToolCall, ToolSchema
from coder.models.tokens import Density, beginning, estimate, measured, size_of
from coder_tools.text import cap

T = TypeVar("T")

_HALF = re.compile("[\ud800-\udfff]")
_KEPT = 2  # the newest messages, which are never shortened
_FILLED = 0.5  # of the room for what comes after the opening, that is left in use when it has to be shortened
_REPLIES = 4  # the newest replies, which are dropped only where nothing else makes room
_LEAST_SYSTEM = 200  # tokens of the system message: its rules
_LEAST = 100  # tokens of any other message
_ARGUMENT, _ARGUMENTS = 200, 1600  # characters of one argument of a call, and of all, where there is no room for more


def density_in(memory: Mapping[str, Any]) -> Density:
    """What is known of the model's tokenizer in a policy's memory."""
    return Density(**memory.get("density", {}))


def _sound(value: T) -> T:
    """A JSON value without half characters (lone surrogates): no server takes them back."""
    text = json.dumps(value, ensure_ascii=False)
    mended: T = json.loads(_HALF.sub("\ufffd", text)) if _HALF.search(text) else value
    return mended


def _brief(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call with long ones cut; where there are too many, all of them as one text."""
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in arguments.items()}
    brief = {key: cap(texts[key], _ARGUMENT) if len(texts[key]) > 2 * _ARGUMENT else arguments[key] for key in texts}
    whole = json.dumps(brief)
    return brief if len(whole) <= _ARGUMENTS else {"given": cap(whole, _ARGUMENTS // 2)}


class Conversation:
    """A view on the policy's memory; everything it knows is in `memory`."""

    def __init__(self, memory: dict[str, Any]) -> None:
        self._memory = memory
        memory.setdefault("messages", [])
        memory.setdefault("pending", [])
        memory.setdefault("seen", {})
        memory.setdefault("calls", 0)

    @property
    def messages(self) -> list[Message]:
        messages: list[Message] = self._memory["messages"]
        return messages

    @property
    def seen(self) -> dict[str, str]:
        """The questions that are answered in the messages, for the toolbox."""
        seen: dict[str, str] = self._memory["seen"]
        return seen

    def restart(self, opening: Message) -> None:
        """Forget what was said and begin anew."""
        self._memory.update(messages=[opening], pending=[], seen={}, keys={})

    def say(self, text: str) -> None:
        """Tell the model something: in the last tool result where there is one, else as the user.

        A user message between tool calls would make some models forget what they thought before it.
        """
        last = self.messages[-1]
        if last["role"] in ("tool", "user"):
            last["content"] += f"\n\n{text}"
        else:
            self.messages.append({"role": "user", "content": text})

    def reply(self, text: str, thinking: str, calls: Sequence[tuple[str, Any]]) -> list[str]:
        """Keep what the model said; the ids given to its calls, in their order."""
        message: Message = {"role": "assistant", "content": _sound(text)}
        if thinking:
            message["thinking"] = _sound(thinking)
        made: list[ToolCall] = []
        for name, arguments in calls:
            self._memory["calls"] += 1
            given = arguments if isinstance(arguments, dict) else {"arguments": str(arguments)}
            made.append(ToolCall(id=f"call_{self._memory['calls']}", name=_sound(name), arguments=_sound(given)))
        if made:
            message["tool_calls"] = made
        self.messages.append(message)
        return [call["id"] for call in made]

    def answer(self, call_id: str, name: str, text: str, key: str = "") -> None:
        """The result of a call. `key` is what the toolbox knows the question by."""
        self.messages.append({"role": "tool", "content": text, "name": name, "tool_call_id": call_id})
        if key:
            self._memory.setdefault("keys", {})[call_id] = key

    def defer(self, call_id: str, name: str) -> None:
        """A call whose answer is not known before the next step: the outcome of the tests."""
        self._memory["pending"].append([call_id, name])

    def before(self, call_id: str) -> list[Message]:
        """The messages up to the reply that made this call; the opening alone where that is no longer there."""
        for at, message in enumerate(self.messages):
            if any(call["id"] == call_id for call in message.get("tool_calls", ())):
                return self.messages[:at]
        return self.messages[:1]

    def settle(self, text: str) -> bool:
        """Answer the deferred calls; whether there were any."""
        pending, self._memory["pending"] = self._memory["pending"], []
        for number, (call_id, name) in enumerate(pending):
            self.answer(call_id, name, text if number == 0 else "See above.")
        return bool(pending)

    # fitting it into the model's context

    @property
    def density(self) -> Density:
        """How the model's tokenizer counts, as far as the server's counts have shown."""
        return density_in(self._memory)

    def learn(self, sent: Sequence[Message], tools: Sequence[ToolSchema], prompt_tokens: int) -> None:
        """Take a prompt's true count into account, within what is believable."""
        if prompt_tokens > 0:
            self._memory["density"] = asdict(self.density.learnt(measured(sent, tools), prompt_tokens))

    def fit(self, system: Message, tools: Sequence[ToolSchema], limit: int) -> list[Message]:
        """The prompt, of at most `limit` tokens: what is old is shortened first, and stays so.

        First thoughts go, then tool results become one line each, then whole exchanges, then long texts are cut. That
        is done in one go and with slack: what is left stays as it is for several steps, in the server's prompt cache.
        """
        if self._size(system, tools) > limit:
            fixed = estimate([system, *self.messages[:1]], tools, self.density)
            goal = fixed + int(_FILLED * max(0, limit - fixed))
            while self._size(system, tools) > goal and (
                self._drop_thinking() or self._digest() or self._drop_oldest(_REPLIES)
            ):
                pass
            while self._size(system, tools) > limit and self._drop_oldest(1):
                pass
            if self._size(system, tools) > limit:
                self._shorten_replies()
            while (over := self._size(system, tools) - limit) > 0 and self._cut_longest(over + limit // 10):
                pass
        return [self._within(system, tools, limit), *self.messages]

    def _within(self, system: Message, tools: Sequence[ToolSchema], limit: int) -> Message:
        """The system message, cut where nothing else is left to be cut."""
        over = self._size(system, tools) - limit
        if over <= 0:
            return system
        text = system["content"]
        most, keep = max(_LEAST_SYSTEM, self._tokens(text) - over - 20), len(text)
        while self._tokens(cap(text, keep)) > most:
            keep = keep * 9 // 10
        return Message(role="system", content=cap(text, keep))

    def _tokens(self, text: str) -> int:
        return self.density.tokens(size_of(text))

    def _size(self, system: Message, tools: Sequence[ToolSchema]) -> int:
        return estimate([system, *self.messages], tools, self.density)

    def _drop_thinking(self) -> bool:
        return any(message.pop("thinking", "") for message in self.messages[:-_KEPT])

    def _digest(self) -> bool:
        """Shorten the oldest tool result that is still whole; its question may then be asked again."""
        for message in self.messages[:-_KEPT]:
            content = message["content"]
            if message["role"] == "tool" and len(content) > 200:
                first = content.split("\n", 1)[0][:120]
                message["content"] = f"{first}\n[{len(content)} characters left out to save space; ask again if needed]"
                self._forget(message)
                return True
        return False

    def _forget(self, message: Message) -> None:
        """The answer is gone from the conversation: its question counts as new."""
        key = self._memory.get("keys", {}).pop(message.get("tool_call_id", ""), "")
        self.seen.pop(key, None)

    def _drop_oldest(self, keep: int) -> bool:
        """Take out the oldest reply with its results, while there are more than `keep`; the opening stays."""
        messages = self.messages
        replies = [at for at, message in enumerate(messages) if message["role"] == "assistant"]
        if len(replies) <= keep:
            return False
        for message in messages[replies[0] : replies[1]]:
            self._forget(message)
        del messages[replies[0] : replies[1]]
        return True

    def _shorten_replies(self) -> None:
        """Take out every thought, and cut what the calls were given: a file's whole content is in the workspace."""
        for message in self.messages:
            message.pop("thinking", "")
            for call in message.get("tool_calls", ()):
                call["arguments"] = _brief(call["arguments"])

    def _cut_longest(self, over: int) -> bool:
        """Cut the longest text by about `over` tokens; False if none is left that is worth it."""
        longest = max(self.messages, key=lambda m: self._tokens(m["content"]))
        size, tokens = len(longest["content"]), self._tokens(longest["content"])
        keep = beginning(longest["content"], max(_LEAST, tokens - over - 40), self.density)
        longest["content"] = f"{longest['content'][:keep]}\n[... {size - keep} characters left out ...]"
        return len(longest["content"]) < size
