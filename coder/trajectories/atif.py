"""ATIF, the Agent Trajectory Interchange Format (Harbor's RFC 0001), versions 1.0 to 1.7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coder.trajectories.contract import Call, Step, Trajectory, TrajectoryError


def matches(data: Any) -> bool:
    """Whether a parsed JSON file says that it is one."""
    return isinstance(data, Mapping) and str(data.get("schema_version", "")).startswith("ATIF-")


def read(data: Mapping[str, Any]) -> Trajectory:
    """The agent's steps. What the user, the system and earlier contexts said is given to the step after it.

    TrajectoryError for a version that is not known or a field of the wrong kind.
    """
    version = str(data["schema_version"])
    if not version.startswith("ATIF-v1."):
        raise TrajectoryError(f"{version} is not known here; versions ATIF-v1.0 to v1.7 are")
    raw = data.get("steps")
    if not isinstance(raw, list) or not all(isinstance(step, Mapping) for step in raw):
        raise TrajectoryError("`steps` must be a list of objects")
    steps: list[Step] = []
    given: list[str] = []
    for number, step in enumerate(raw, 1):
        if step.get("source") != "agent" or step.get("is_copied_context"):
            given += [_text(step.get("message")), *(text for _, text in _results(step))]
            continue
        steps.append(_step(step, number, "\n".join(given)))
        given = []
    agent = data.get("agent")
    name = str(agent.get("name", "")) if isinstance(agent, Mapping) else ""
    return Trajectory(version, name, tuple(steps))


def _step(step: Mapping[str, Any], number: int, given: str) -> Step:
    calls = step.get("tool_calls") or []
    if not isinstance(calls, list) or not all(isinstance(call, Mapping) for call in calls):
        raise TrajectoryError(f"step {step.get('step_id', number)}: `tool_calls` must be a list of objects")
    results = _results(step)
    by_id = {source: text for source, text in results if source}
    loose = [text for source, text in results if not source]
    made = []
    for call in calls:
        arguments = call.get("arguments")
        made.append(
            Call(
                str(call.get("function_name", "")),
                arguments if isinstance(arguments, Mapping) else {"input": arguments},
                by_id.get(str(call.get("tool_call_id", "")), "\n".join(loose) if len(calls) == 1 else ""),
            )
        )
    metrics = step.get("metrics")
    tokens = metrics.get("completion_tokens") if isinstance(metrics, Mapping) else 0
    thought = "\n".join(t for t in (_text(step.get("reasoning_content")), _text(step.get("message"))) if t)
    if not made and loose:  # an action that the harness took without a recorded call
        given = "\n".join([given, *loose])
    return Step(
        step.get("step_id", number), thought, tuple(made), tokens if isinstance(tokens, int) else 0, given=given
    )


def _results(step: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(call id, text) of a step's observation."""
    observation = step.get("observation")
    results = observation.get("results") if isinstance(observation, Mapping) else None
    if not isinstance(results, Sequence) or isinstance(results, str):
        return []
    return [(str(r.get("source_call_id") or ""), _text(r.get("content"))) for r in results if isinstance(r, Mapping)]


def _text(content: Any) -> str:
    """Text, or the text parts of a message with pictures."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return ""
