"""Which lines of the project one test executes."""

from __future__ import annotations

import sys
import threading
from types import CodeType, FrameType
from typing import Any, Dict, List, Optional, Set

from .project import Project

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
    """By sys.settrace; only frames of project files are traced line by line."""

    def __init__(self, project: Project) -> None:
        self._lines = _Lines(project)
        self._tracers: Dict[str, Any] = {}  # by file name

    def start(self) -> None:
        """Begin a test."""
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def stop(self) -> Lines:
        """End it, and give its lines."""
        sys.settrace(None)
        threading.settrace(None)
        self._tracers = {}
        return self._lines.take()

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        filename = frame.f_code.co_filename
        try:
            return self._tracers[filename]
        except KeyError:
            tracer = self._tracers[filename] = self._tracer(self._lines.of(filename))
            return tracer

    @staticmethod
    def _tracer(lines: Optional[Set[int]]) -> Any:
        if lines is None:
            return None
        add = lines.add

        def trace(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "line":
                add(frame.f_lineno)
            return trace

        return trace


class MonitorCoverage:
    """By sys.monitoring (3.12): each line costs once a test, and code of others costs once a function."""

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


def open_coverage(project: Project) -> Any:
    """The best there is on this interpreter."""
    return (MonitorCoverage if sys.version_info >= (3, 12) else TraceCoverage)(project)
