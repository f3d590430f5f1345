"""What a model was sent, for `coder show --prompt`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from coder.cli.terminal import print_text
from coder.errors import UsageError
from coder.record.prompts import prompts

if TYPE_CHECKING:
    from coder.record.store import RunDir


def show_prompt(run: RunDir, step: int) -> None:
    """What was sent to the model in a step, word for word but for masked secrets. UsageError if nothing was."""
    found = prompts(run.events())
    if step not in found:
        steps = ", ".join(map(str, found)) or "none at all"
        raise UsageError(f"run {run.id} sent nothing to a model in step {step}; steps that did: {steps}")
    requests = found[step]
    spent = {name: sum(sent[name] for sent in requests) for name in ("prompt_tokens", "completion_tokens")}
    print_text(f"step {step}: {spent['prompt_tokens']} tokens in, {spent['completion_tokens']} out")
    for number, sent in enumerate(requests, start=1):
        print_text(
            f"request {number} of {len(requests)}: thinking {'on' if sent['think'] else 'off'}, at most "
            f"{sent['max_tokens']} tokens of answer"
        )
        for tool in run.blobs.load(sent["tools"]) or []:
            print_text(f"tool: {json.dumps(tool['function'], ensure_ascii=False)}")
        for ref in sent["messages"]:
            _message(run.blobs.load(ref) or {})


def _message(message: dict[str, Any]) -> None:
    print_text(f"\n=== {message.get('role')} {message.get('name', '')}".rstrip())
    if message.get("thinking"):
        print_text(f"<thinking>\n{message['thinking']}\n</thinking>")
    print_text(str(message.get("content", "")))
    for call in message.get("tool_calls", ()):
        print_text(f"call: {call['name']} {json.dumps(call['arguments'], ensure_ascii=False)}")
    if message.get("images"):
        print_text(f"[{len(message['images'])} pictures]")
