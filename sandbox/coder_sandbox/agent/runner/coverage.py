"""Which lines of the project one test executes."""

from __future__ import annotations

import dis
import sys
import threading
from types import CodeType, FrameType
from typing import Any, Callable, Dict, List, Optional, Set, Tuple

from .observe import Observer
from .project import Project
from .report import Record

PATIENCE = 50_000  # executed lines of a function without a new one, after which only some of its calls are traced
SAMPLE = 50  # one in so many: a hot function must not take a test over its time limit

Lines = Dict[str, List[int]]


class _Lines:
    """Executed lines by path."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._files: Dict[str, Set[int]] = {}

    def of(self, filename: str) -> Optional[Set[int]]:
        """Where the lines of a file are noted, None for a file that is not the project's."""
        path = self._project.relative(filename)
        return None if path is None else self._files.setdefault(path, set())

    def take(self) -> Lines:
        """What was noted since the last time."""
        taken = {path: sorted(lines) for path, lines in self._files.items() if lines}
        self._files = {}
        return taken


class TraceCoverage:
    """By sys.settrace; only project code is traced line by line, and no longer than it has new lines to show."""

    key = "coverage"  # of what stop() gives, in the result of the test

    def __init__(self, project: Project) -> None:
        self._project = project
        self._codes: Dict[int, Tuple[CodeType, Optional[str], Set[int]]] = {}  # kept alive, so that ids stay theirs
        self._tracers: Dict[int, Any] = {}  # of this test, by id of the code; None: nothing (more) to see
        self._unseen: List[Tuple[str, Set[int], Set[int]]] = []  # path, all lines, those not seen in this test

    def start(self) -> None:
        """Begin a test."""
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def stop(self) -> Lines:
        """End it, and give its lines."""
        sys.settrace(None)
        threading.settrace(None)
        files: Dict[str, Set[int]] = {}
        for path, lines, unseen in self._unseen:
            files.setdefault(path, set()).update(lines - unseen)
        self._tracers, self._unseen = {}, []
        return {path: sorted(lines) for path, lines in files.items() if lines}

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        try:
            return self._tracers[id(code)]
        except KeyError:
            tracer = self._tracers[id(code)] = self._tracer(code)
            return tracer

    def _tracer(self, code: CodeType) -> Any:
        if id(code) not in self._codes:
            path = self._project.relative(code.co_filename)
            lines = set() if path is None else {line for _, line in dis.findlinestarts(code) if line}
            self._codes[id(code)] = (code, path, lines)
        _, path, lines = self._codes[id(code)]
        if path is None:
            return None
        unseen = set(lines)
        self._unseen.append((path, lines, unseen))
        return _local_tracer(self._tracers, id(code), unseen)


def _local_tracer(tracers: Dict[int, Any], key: int, unseen: Set[int]) -> Any:
    """What takes lines out of `unseen` as they are executed."""
    fruitless = calls = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal fruitless
        if event != "line":
            return trace
        if frame.f_lineno in unseen:
            fruitless = 0
            unseen.discard(frame.f_lineno)
            if not unseen:
                tracers[key] = frame.f_trace = None  # to return None would not end it
                return None
        else:
            fruitless += 1
            if fruitless == PATIENCE:
                tracers[key] = sample
        return trace

    def sample(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % SAMPLE:
            frame.f_trace = None
            return None
        return trace(frame, event, argument)

    return trace


class MonitorCoverage:
    """By sys.monitoring (3.12): each line costs once a test, and code of others costs once a function."""

    key = "coverage"  # of what stop() gives, in the result of the test

    def __init__(self, project: Project) -> None:
        self._lines = _Lines(project)
        self._monitoring: Any = sys.monitoring  # type: ignore[attr-defined]
        self._tool = next(tool for tool in (4, 3, 5, 1) if self._monitoring.get_tool(tool) is None)
        self._monitoring.use_tool_id(self._tool, "coder")
        events = self._monitoring.events
        self._entries, self._line = events.PY_START | events.PY_RESUME, events.LINE
        for event, callback in (
            (events.PY_START, self._enter),
            (events.PY_RESUME, self._enter),
            (events.LINE, self._note),
        ):
            self._monitoring.register_callback(self._tool, event, callback)

    def start(self) -> None:
        """Begin a test."""
        self._lines.take()  # what fixtures of the last test did after its end
        self._monitoring.set_events(self._tool, self._entries)
        self._monitoring.restart_events()

    def stop(self) -> Lines:
        """End it, and give its lines."""
        self._monitoring.set_events(self._tool, 0)
        return self._lines.take()

    def _enter(self, code: CodeType, offset: int) -> Any:
        if self._lines.of(code.co_filename) is not None:
            self._monitoring.set_local_events(self._tool, code, self._line)
        return self._monitoring.DISABLE

    def _note(self, code: CodeType, line: int) -> Any:
        lines = self._lines.of(code.co_filename)
        if lines is not None:
            lines.add(line)
        return self._monitoring.DISABLE


Watch = Callable[[str], Any]
"""Gives what watches a test of this id: something with `start` and `stop`, or None."""


def nothing(test: str) -> None:
    """A `Watch` of a job that wants to see nothing."""
    return


def open_coverage(project: Project, job: Record) -> Watch:
    """What the job wants to see of its tests: lines, by the best means there is on this interpreter, or what variables
    hold. `job["coverage"]`: the ids of the tests whose lines it wants, or True for all."""
    if job.get("observe"):
        observer = Observer(project, job["observe"])
        return lambda test: observer
    if not job["coverage"]:
        return nothing
    coverage = (MonitorCoverage if sys.version_info >= (3, 12) else TraceCoverage)(project)
    wanted = None if job["coverage"] is True else frozenset(job["coverage"])
    return lambda test: coverage if wanted is None or test in wanted else None
