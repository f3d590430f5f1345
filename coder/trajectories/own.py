"""coder's own runs: the steps in their event log. The live supervisor and this reader see the same ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from coder.record.events import Event, read_events
from coder.trajectories.contract import Call, Judgement, Step, Trajectory, TrajectoryError

_SAYS = ("new", "known")


def read(path: Path) -> Trajectory:
    """The steps of a run's events.jsonl. TrajectoryError if it holds no event."""
    events = list(read_events(path))
    if not any(event.kind != "cut" for event in events):
        raise TrajectoryError(f"{path} holds no event of a coder run")
    return Trajectory("coder.event/1", "coder", tuple(steps_in(events)))


def steps_in(events: Iterable[Event]) -> Iterator[Step]:
    """One step for each `step` event, in order."""
    record = list(events)
    said = judgements(record)
    for event in record:
        if event.kind == "step":
            yield replace(step_of(event.seq, event.data), judged=said.get(event.data.get("number"), ""))


def judgements(events: Iterable[Event]) -> dict[Any, Judgement]:
    """What a judge model said, by the number of the step."""
    return {e.data.get("number"): e.data["says"] for e in events if e.kind == "judged" and e.data.get("says") in _SAYS}


def step_of(number: int, data: Mapping[str, Any]) -> Step:
    """The step that an event's data tell of; what is missing or of the wrong kind is left out."""
    made = data.get("calls")
    calls = tuple(
        Call(
            str(call.get("name", "")),
            call["arguments"] if isinstance(call.get("arguments"), Mapping) else {},
            str(call.get("result", "")),
            call.get("ok") if isinstance(call.get("ok"), bool) else None,
            call.get("held") if isinstance(call.get("held"), bool) else None,
        )
        for call in (made if isinstance(made, list) else [])
        if isinstance(call, Mapping)
    )
    return Step(
        number,
        str(data.get("thought", "")),
        calls,
        _int(data.get("tokens")),
        _float(data.get("seconds")),
        data.get("demanded") is True,
    )


def data_of(step: Step) -> dict[str, Any]:
    """What the event of a step holds: the inverse of `step_of`."""
    calls = [
        {"name": c.name, "arguments": dict(c.arguments), "result": c.result, "ok": c.ok, "held": c.held}
        for c in step.calls
    ]
    return {"thought": step.thought, "calls": calls, "tokens": step.tokens, "seconds": step.seconds}


def _int(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _float(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
