"""The one place where a prompt is put together from parts, in a fixed order, within the room there is.

Stable parts come first and stay as they are from step to step, so that the server's prompt cache works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coder_tools.text import cap

_LEAST = 200  # characters below which a part that is cut says nothing


@dataclass(frozen=True)
class Part:
    """A piece of a prompt. What has the highest `priority` number is the first to be cut."""

    title: str
    text: str
    priority: int

    def shown(self, room: int) -> str:
        """Fenced off as data, at most about `room` characters; "" where that is too little to say anything."""
        frame = 2 * len(self.title) + 7
        if not self.text or room < min(len(self.text) + frame, _LEAST):
            return ""
        return fenced(self.title, cap(self.text, room - frame))


def fenced(title: str, text: str) -> str:
    """Text from the repository, marked as what it is."""
    return f"<{title}>\n{text}\n</{title}>"


def pack(parts: Sequence[Part], room: int) -> str:
    """The parts in the order given, at most about `room` characters: room is handed out by priority."""
    left = room
    shown: dict[int, str] = {}
    for at, part in sorted(enumerate(parts), key=lambda item: item[1].priority):
        shown[at] = part.shown(left)
        left -= len(shown[at]) + 2
    return "\n\n".join(shown[at] for at in range(len(parts)) if shown[at])
