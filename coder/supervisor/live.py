"""The watch of a live run. It is derived from the record: after a resume it is built again from the same events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from coder.record.events import Event
from coder.record.store import RunDir
from coder.supervisor.watch import Seen, Watch
from coder.trajectories.own import step_of


class Live:
    """Sees the steps of one run as its events tell of them, each once."""

    def __init__(self, record: Iterable[Event] = ()) -> None:
        self.watch = Watch()
        self._last = 0  # the number of the newest step seen
        self._seen: Seen | None = None
        for event in record:
            if event.kind == "step" and _number(event) > self._last:
                self._take(event)

    def see(self, rundir: RunDir, node: str, number: int, data: dict[str, Any]) -> Seen:
        """Record a step and judge it. One that the record has already (before a kill) is not judged again."""
        if number > self._last:
            self._take(rundir.log.append(node, "step", {**data, "number": number}))
        assert self._seen is not None  # a step was taken just now or before
        return self._seen

    def _take(self, event: Event) -> None:
        self._last = _number(event)
        self._seen = self.watch.see(step_of(event.seq, event.data))


def _number(event: Event) -> int:
    number = event.data.get("number")
    return number if isinstance(number, int) else 0
