"""What supervisor, checkpoints and record cost a step, and how the run's directory grows: a part of `make bench`.

Whole runs of a scripted model without a sandbox; only the time between two nodes is counted.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "drift"))

import drifters  # noqa: E402

from coder import graph, run  # noqa: E402
from coder.models.contract import Reply, ToolCall  # noqa: E402
from coder.policies.model import ModelPolicy  # noqa: E402
from coder.record.store import RunDir, RunStore  # noqa: E402
from coder.sqlite_saver import NewestSqliteSaver  # noqa: E402
from coder.task import Request  # noqa: E402

STEPS, FINDING = 400, 2000  # steps, and characters that each brings


class Reader(drifters.Drifter):
    """Reads the next window of a long file at each step, or makes another edit and has it tested."""

    def __init__(self, edits: bool) -> None:
        super().__init__(drifters.repeat_call, "never")
        self._edits = edits

    def chat(self, messages: Any, tools: Any, **_: Any) -> Reply:
        if not tools:
            return super().chat(messages, tools, think=True)
        self._calls += 1
        number = self._calls
        read = ("read_file", {"path": "long.txt", "start": 40 * number, "end": 40 * number + 39})
        body = f"def cheapest(prices):\n    return {number}\n"
        change = ("edit_file", {"path": drifters.SOURCE, "function": "cheapest", "replace": body})
        name, arguments = change if self._edits and number % 3 == 0 else read
        calls = [ToolCall(id="", name=name, arguments=arguments)]
        if name == "edit_file":
            calls.append(ToolCall(id="", name="run_tests", arguments={}))
        return Reply("", tool_calls=tuple(calls), prompt_tokens=9, completion_tokens=9, done_reason="stop")


def measured(edits: bool, steps: int) -> tuple[list[float], list[float], float]:
    """Milliseconds a step with nothing to commit, with a commit, and the megabytes of the run's record."""
    plain: list[float] = []
    committed: list[float] = []
    saving = 0.0
    put, supervise = NewestSqliteSaver.put, graph.supervise

    def timed_put(self: Any, *args: Any, **more: Any) -> Any:
        nonlocal saving
        started = time.perf_counter()
        try:
            return put(self, *args, **more)
        finally:
            saving += time.perf_counter() - started

    def timed(session: Any, state: Any) -> Any:
        nonlocal saving
        started = time.perf_counter()
        update = supervise(session, state)
        spent = (time.perf_counter() - started + saving) * 1000
        saving = 0.0
        (committed if "tested" in update else plain).append(spent)
        return update

    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        lines = "\n".join(f"row {n} of this long file says {n * 7919}" for n in range(40 * (steps + 2)))
        files = {**drifters.FILES, "long.txt": lines}
        for name, text in files.items():
            (home / "repo" / name).parent.mkdir(parents=True, exist_ok=True)
            (home / "repo" / name).write_text(text)
        policy = ModelPolicy(Reader(edits))
        request = Request(
            home / "repo", "test_cheapest", model="none", sandbox="none", time=3000, steps=steps, tokens=10**8
        )
        patches: list[tuple[Any, str, Callable[..., Any]]] = [
            (run, "_policy", lambda request: (policy, "scripted", "")),
            (graph, "supervise", timed),
            (NewestSqliteSaver, "put", timed_put),
        ]
        for target, name, new in patches:
            mock.patch.object(target, name, new).start()
        try:
            result = run.fix(request, RunStore(home / "home"), lambda event: None)
        finally:
            mock.patch.stopall()
        return plain, committed, RunDir(Path(result.run_dir)).size() / 1e6


def main() -> None:
    """Print the figures."""
    plain, _, size = measured(edits=False, steps=STEPS)
    _, committed, _ = measured(edits=True, steps=60)
    print(f"supervisor, checkpoint and record, a step: {statistics.median(plain):.1f} ms in the median (bar: 5 ms)")
    print(f"the same where the step is committed: {statistics.median(committed):.1f} ms (bar: 30 ms)")
    print(f"record of {STEPS} steps with {FINDING} characters of findings each: {size:.1f} MB (bar: 10 MB)")


if __name__ == "__main__":
    main()
