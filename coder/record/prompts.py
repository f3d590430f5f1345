"""What was sent to a model, kept small: each message once, and each prompt by what differs from the one before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from coder.record.blobs import Blobs
from coder.record.events import Event

Splice = list[Any]
"""Where the list of messages differs from the one before: first and last index, and the blobs there now."""


class Prompts:
    """Prepares the `prompt` events of one process. The first tells its messages whole."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._refs: list[str] = []
        self._known: dict[str, tuple[Mapping[str, Any], str]] = {}  # the last prompt's messages

    def take(self, sent: Mapping[str, Any]) -> dict[str, Any]:
        """The event's data for what was sent: messages, tools, settings."""
        before, known = self._refs, self._known
        self._refs, self._known = [], {}
        for message in sent["messages"]:
            key = f"{message['content']}{message.get('tool_calls')}"
            kept = known.get(key)
            ref = kept[1] if kept and kept[0] == message else self._blobs.save(message)
            self._known[key] = message, ref
            self._refs.append(ref)
        return {
            **sent,
            "messages": _splices(before, self._refs),
            "whole": not before,
            "tools": self._blobs.save(sent["tools"]),
        }


def _splices(before: Sequence[str], now: Sequence[str]) -> list[Splice]:
    changed = SequenceMatcher(None, before, now, autojunk=False).get_opcodes()
    return [[first, last, now[at:end]] for what, first, last, at, end in changed if what != "equal"]


def prompts(events: Iterable[Event]) -> dict[int, list[dict[str, Any]]]:
    """The requests of each step that sent something, with the blobs of all their messages."""
    found: dict[int, list[dict[str, Any]]] = {}
    refs: list[str] = []
    for event in events:
        if event.kind == "prompt" and "whole" in event.data:  # an older coder kept them elsewhere
            refs = [] if event.data["whole"] else list(refs)
            for first, last, now in reversed(event.data["messages"]):
                refs[first:last] = now
            step, first_of_step = event.data["step"], event.data.get("request", 1) == 1  # a step may be done again
            found[step] = [*([] if first_of_step else found.get(step, [])), {**event.data, "messages": refs}]
    return found
