"""What supervisor, checkpoints and record cost a step, and how the run's directory grows: a part of `make bench`.

Whole runs of a scripted model without a sandbox. Counted is the time inside the supervisor and in whatever writes the
record and the checkpoints, in the nodes too; not what the policy, its tools and the tests take, nor what a checkpoint
is written beside.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "drift"))

import drifters  # noqa: E402

from coder import graph, run  # noqa: E402
from coder.models.contract import Reply, ToolCall  # noqa: E402
from coder.policies.model import ModelPolicy  # noqa: E402
from coder.record.blobs import Blobs  # noqa: E402
from coder.record.events import EventLog  # noqa: E402
from coder.record.store import RunDir, RunStore  # noqa: E402
from coder.sqlite_saver import NewestSqliteSaver  # noqa: E402
from coder.task import Request  # noqa: E402

STEPS, EDITING, FINDING = 400, 60, 2000  # steps of the two runs, and characters that each step brings
STEP_MS, COMMIT_MS, RECORD_MB = 5, 25, 10  # the bars
WRITERS = (
    (graph, "supervise"),
    (NewestSqliteSaver, "put"),
    (NewestSqliteSaver, "put_writes"),
    *((Blobs, name) for name in ("save", "load", "remove", "commit")),
    *((EventLog, name) for name in ("append", "sync")),
)


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
        read_in = sum(len(m["content"]) for m in messages) // 4
        return Reply("", tool_calls=tuple(calls), prompt_tokens=read_in, completion_tokens=40, done_reason="stop")


class Meter:
    """Adds up the time spent in functions that may call each other, and puts it down step by step."""

    def __init__(self) -> None:
        self.plain: list[float] = []  # milliseconds of each step that was not committed
        self.committed: list[float] = []
        self.processor: list[float] = []  # of each step, without what it waits
        self._spent, self._worked, self._depth = 0.0, 0.0, 0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, measured where the run waits for it. The supervisor ends a step."""

        def call(*args: Any, **more: Any) -> Any:
            if threading.current_thread() is not threading.main_thread():
                return function(*args, **more)
            self._depth += 1
            started, working = time.perf_counter(), time.thread_time()
            try:
                made = function(*args, **more)
            finally:
                self._depth -= 1
                if not self._depth:
                    self._spent += 1000 * (time.perf_counter() - started)
                    self._worked += 1000 * (time.thread_time() - working)
            if function.__name__ == "supervise":
                (self.committed if "tested" in made else self.plain).append(self._spent)
                self.processor.append(self._worked)
                self._spent = self._worked = 0.0
            return made

        return call


def measured(edits: bool, steps: int) -> tuple[Meter, float]:
    """Milliseconds a step, and the megabytes of the run's record."""
    meter = Meter()
    with tempfile.TemporaryDirectory() as place, ExitStack() as patched:
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
        patched.enter_context(mock.patch.object(run, "_policy", lambda request: (policy, "scripted", "")))
        for owner, name in WRITERS:
            patched.enter_context(mock.patch.object(owner, name, meter.timed(getattr(owner, name))))
        result = run.fix(request, RunStore(home / "home"), lambda event: None)
        return meter, RunDir(Path(result.run_dir)).size() / 1e6


def disk() -> float:
    """Milliseconds that this machine's disk takes to have two kilobytes for sure, in the median."""
    with tempfile.TemporaryFile() as file:
        taken = []
        for _ in range(50):
            started = time.perf_counter()
            file.write(b"x" * FINDING)
            file.flush()
            os.fsync(file.fileno())
            taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken)


def main() -> None:
    """Print the figures."""
    reading, size = measured(edits=False, steps=STEPS)
    editing, _ = measured(edits=True, steps=EDITING)
    step, committed = statistics.median(reading.plain), statistics.median(editing.committed)
    first, last = (statistics.median(part) for part in (reading.plain[:100], reading.plain[-100:]))
    print(f"supervisor, checkpoint and record, a step: {step:.1f} ms in the median (bar: {STEP_MS} ms)")
    print(f"  {statistics.median(reading.processor):.1f} ms of it at work; the rest waits for disk and processor")
    print(f"  it waits for the disk twice; once is {disk():.1f} ms here in the median")
    print(f"  the last hundred of {STEPS} steps against the first: {last / first:.1f} times")
    print(f"the same where the step is committed: {committed:.1f} ms (bar: {STEP_MS + COMMIT_MS} ms)")
    print(f"record of {STEPS} steps with {FINDING} characters of findings each: {size:.1f} MB (bar: {RECORD_MB} MB)")


if __name__ == "__main__":
    main()
