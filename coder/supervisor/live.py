"""The watch of a live run. It is derived from the record: after a resume it is built again from the same events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from coder.record.events import Event
from coder.record.mask import Masker
from coder.record.store import RunDir
from coder.supervisor.watch import Ask, Seen, Watch
from coder.trajectories.contract import Judgement
from coder.trajectories.own import judgements, step_of

ONCE = frozenset({"checkpoint", "effect", "intervention", "rollback"})
"""Kinds of events that are counted. Each names its step, and there is one of a kind to a step."""


class Live:
    """Sees the steps of one run as its events tell of them, each once."""

    def __init__(self, record: Iterable[Event] = ()) -> None:
        self.watch = Watch()
        self._last = 0  # the number of the newest step seen
        self._seen: Seen | None = None
        events = list(record)
        self._told = [(e.kind, e.data) for e in events if e.node == "supervisor" and e.kind in ONCE]
        exams = [
            e.data.get("right") == e.data.get("of") for e in events if (e.node, e.kind) == ("supervisor", "examined")
        ]
        self.heeds_judge = exams[-1] if exams else None  # None: the judge model has not been examined yet
        said = judgements(events)
        for event in events:
            if event.kind == "step" and _number(event) > self._last:
                self._take(event, said.get(_number(event), ""))

    def see(self, rundir: RunDir, node: str, number: int, data: dict[str, Any], ask: Ask | None = None) -> Seen:
        """Record a step and judge it. One that the record has already (before a kill) is not judged again."""
        if number > self._last:
            self._take(rundir.log.append(node, "step", {**data, "number": number}), ask=ask)
        assert self._seen is not None  # a step was taken just now or before
        return self._seen

    def tell(self, rundir: RunDir, kind: str, data: dict[str, Any]) -> None:
        """Record what the supervisor did after a step, unless the record has it: a kill may have come after it."""
        if not self._told or (kind, Masker().value(data)) not in self._told:
            rundir.log.append("supervisor", kind, data)

    def _take(self, event: Event, said: Judgement = "", ask: Ask | None = None) -> None:
        self._last = _number(event)
        self._seen = self.watch.see(replace(step_of(event.seq, event.data), judged=said), ask)


def _number(event: Event) -> int:
    number = event.data.get("number")
    return number if isinstance(number, int) else 0
