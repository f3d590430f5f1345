"""Drives one run in a process of its own, to be killed: drive.py REPO HOME SANDBOX POLICY. A run begun is resumed.

POLICY is `search`, or `scripted`: a model with a script, which drifts, edits wrongly, breaks something and then fixes.
The last line of the output is the result. The model adds a byte to the file $KILLS_ASKED with each call it gets.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coder import run
from coder.models.contract import Message, Reply, ToolCall
from coder.policies.model import ModelPolicy
from coder.record.store import RunStore
from coder.task import Request

PATH = "shop/prices.py"


def edit(body: str) -> tuple[str, dict[str, Any]]:
    code = f"def cheapest(prices):\n    return {body}\n"
    return "edit_file", {"path": PATH, "function": "cheapest", "replace": code}


SCRIPT: list[list[tuple[str, dict[str, Any]]]] = [
    [("read_file", {"path": PATH})],
    [("read_file", {"path": PATH})],
    [edit("sorted(prices)[1]"), ("run_tests", {})],
    [("find_definition", {"name": "total"})],
    [edit("prices.pop()"), ("run_tests", {})],
    [edit("min(prices)"), ("run_tests", {})],
    [("finish", {"summary": "done"})],
]


class Scripted:
    """A ChatModel that stands where its conversation does: it holds nothing that a kill could lose."""

    name, context, billions = "scripted", 32_768, 30.0

    def count(self, text: str) -> int:
        return 0

    def chat(self, messages: Sequence[Message], tools: Sequence[Any], **_: Any) -> Reply:
        with Path(os.environ["KILLS_ASKED"]).open("ab") as file:
            file.write(b".")
        if not tools:
            return Reply("HYPOTHESIS: cheapest takes the dearest\nFILES: shop/prices.py\nEVIDENCE: 3", prompt_tokens=90)
        at = sum(m["role"] == "assistant" for m in messages)
        calls = tuple(ToolCall(id="", name=n, arguments=a) for n, a in SCRIPT[min(at, len(SCRIPT) - 1)])
        return Reply("", tool_calls=calls, prompt_tokens=100, completion_tokens=10, done_reason="stop")


def main(repo: str, home: str, sandbox: str, policy: str) -> None:
    """Begin the run, or go on with the one there is."""
    store = RunStore(Path(home))
    if policy == "scripted":
        run._policy = lambda request: (ModelPolicy(Scripted()), "scripted", "as the script says")  # type: ignore[assignment]
    begun = store.list()
    if begun and begun[0].resumable:
        result = run.resume(begun[0].run_id, store, lambda event: None)
    elif begun:  # killed between its end and the end of its process
        ended = store.open(begun[0].run_id).result()
        assert ended is not None
        result = ended
    else:
        request = Request(Path(repo), "test_cheapest", model="none", sandbox=sandbox, time=300)
        result = run.fix(request, store, lambda event: None)
    print(json.dumps(result.to_dict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
