"""mini-swe-agent's `.traj.json`: text with a shell block (v1, v2) or tool calls (v2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from coder.trajectories.contract import Call, Step, Trajectory, TrajectoryError

_BLOCK = re.compile(r"```(?:mswea_bash_command|bash|sh)\s*\n(.*?)\n?```", re.DOTALL)


def matches(data: Any) -> bool:
    """Whether a parsed JSON file looks like one."""
    if not isinstance(data, Mapping) or not isinstance(data.get("messages"), list):
        return False
    return str(data.get("trajectory_format", "mini-swe-agent")).startswith("mini-swe-agent")


def read(data: Mapping[str, Any]) -> Trajectory:
    """The assistant's messages as steps, numbered from 1. TrajectoryError for messages of the wrong kind."""
    messages = data["messages"]
    if not all(isinstance(m, Mapping) for m in messages):
        raise TrajectoryError("`messages` must be a list of objects")
    steps: list[Step] = []
    given: list[str] = []
    for at, message in enumerate(messages):
        if message.get("role") == "assistant" or message.get("object") == "response":
            answers = _answers(messages, at + 1)
            steps.append(_step(message, len(steps) + 1, answers, "\n".join(given)))
            given = []
        elif not steps or (message.get("role") == "user" and not steps[-1].calls):
            given.append(_text(message.get("content")))
    return Trajectory(str(data.get("trajectory_format", "mini-swe-agent-1")), "mini-swe-agent", tuple(steps))


def _answers(messages: list[Mapping[str, Any]], start: int) -> list[Mapping[str, Any]]:
    """The messages up to the assistant's next."""
    found = []
    for message in messages[start:]:
        if message.get("role") in ("assistant", "exit") or message.get("object") == "response":
            break
        found.append(message)
    return found


def _step(message: Mapping[str, Any], number: int, answers: list[Mapping[str, Any]], given: str) -> Step:
    text = _text(message.get("content")) + _said(message)
    commands = _commands(message, text)
    by_id = {str(a.get("tool_call_id") or a.get("call_id") or ""): a for a in answers}
    calls = []
    for at, (call_id, name, arguments) in enumerate(commands):
        answer = by_id.get(call_id) if call_id else None
        if answer is None and at < len(answers):
            answer = answers[at if len(answers) == len(commands) else 0]
        calls.append(Call(name, arguments, *_outcome(answer or {})))
    thought = "\n".join(t for t in (str(message.get("reasoning_content") or ""), _BLOCK.sub("", text).strip()) if t)
    return Step(number, thought, tuple(calls), _tokens(message), given=given)


def _commands(message: Mapping[str, Any], text: str) -> list[tuple[str, str, Mapping[str, Any]]]:
    """(call id, tool, arguments) of what the message asked for."""
    extra = message.get("extra")
    actions = extra.get("actions") if isinstance(extra, Mapping) else None
    if isinstance(actions, list) and actions:
        made = [a if isinstance(a, Mapping) else {"command": str(a)} for a in actions]
        return [(str(a.get("tool_call_id") or ""), "bash", {"command": str(a.get("command", ""))}) for a in made]
    calls = message.get("tool_calls") or []
    if isinstance(calls, list) and calls:
        found = []
        for call in calls:
            function = call.get("function", {}) if isinstance(call, Mapping) else {}
            found.append((str(call.get("id", "")), str(function.get("name", "bash")), _object(function)))
        return found
    return [("", "bash", {"command": command}) for command in _BLOCK.findall(text)]


def _object(function: Mapping[str, Any]) -> Mapping[str, Any]:
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return {"input": arguments}
    return arguments if isinstance(arguments, Mapping) else {"input": arguments}


def _outcome(answer: Mapping[str, Any]) -> tuple[str, bool | None]:
    """The observation, and whether the command succeeded where that is recorded."""
    extra = answer.get("extra")
    code = extra.get("returncode") if isinstance(extra, Mapping) else None
    text = _text(answer.get("content")) or _text(answer.get("output"))
    if code is None and (match := re.match(r"\s*<returncode>\s*(-?\d+)", text)):
        code = int(match[1])
    return text, None if code is None else code == 0


def _tokens(message: Mapping[str, Any]) -> int:
    extra = message.get("extra")
    response = extra.get("response") if isinstance(extra, Mapping) else None
    usage = response.get("usage") if isinstance(response, Mapping) else None
    tokens = usage.get("completion_tokens") if isinstance(usage, Mapping) else 0
    return tokens if isinstance(tokens, int) else 0


def _said(message: Mapping[str, Any]) -> str:
    """The words of a message in the form of the Responses API."""
    output = message.get("output")
    if not isinstance(output, list):
        return ""
    return "\n".join(_text(item.get("content") or item.get("summary")) for item in output if isinstance(item, Mapping))


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return ""
