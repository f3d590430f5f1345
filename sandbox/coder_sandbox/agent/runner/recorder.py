"""With which arguments the tests call the functions that a candidate changes, and those through which they get there.

Arguments are copied when the call begins, since what happens later may change them. What cannot be copied is left out.
"""

from __future__ import annotations

import copy
import inspect
import sys
from types import CodeType, FrameType
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Set

from .project import Project
from .values import Arguments, Picture

PER_FUNCTION = 40  # calls of one function that are kept
LOOKED_AT = 2000  # calls of one function in one test; a hot one is not watched to its end
DEPTH = 200  # frames between a changed function and the test
SUSPENDED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class Call(NamedTuple):
    """One call of a function of the project."""

    code: CodeType
    arguments: Arguments
    test: str
    passes: bool  # whether the test passes at the base
    entry: bool  # made by the test itself
    varied: bool = False

    @property
    def mark(self) -> str:
        return Picture(list(self.arguments.items())).mark


class _Open:
    """A call by a test that is under way."""

    def __init__(self, frame: FrameType, arguments: Optional[Arguments]) -> None:
        self.frame, self.arguments, self.reaches = frame, arguments, False


class Recorder:
    """Watches function calls of this thread."""

    def __init__(self, project: Project, targets: Sequence[CodeType], test_files: Sequence[str]) -> None:
        """`targets`: code of the functions that change. `test_files`: relative to the root."""
        self.calls: List[Call] = []
        self._project, self._targets, self._tests = project, set(targets), set(test_files)
        self._kept: Dict[CodeType, Set[str]] = {}  # marks of what is kept
        self._seen: Dict[CodeType, int] = {}
        self._open: Dict[FrameType, _Open] = {}
        self._inner: List[Call] = []
        self._frames: Set[FrameType] = set()  # of generators and coroutines, which are entered again
        self._test, self._passes = "", False

    def start(self, test: str, passes: bool) -> None:
        """A test begins."""
        self._test, self._passes = test, passes
        self._open, self._inner, self._seen, self._frames = {}, [], {}, set()
        sys.settrace(self._called)

    def stop(self) -> None:
        """It has ended: keep what it called."""
        sys.settrace(None)
        entries = [
            Call(call.frame.f_code, call.arguments, self._test, self._passes, True)
            for call in self._open.values()
            if call.reaches and call.arguments is not None
        ]
        for call in [*entries, *self._inner]:
            kept = self._kept.setdefault(call.code, set())
            if len(kept) < PER_FUNCTION and call.mark not in kept:
                kept.add(call.mark)
                self.calls.append(call)
        self._open, self._inner, self._frames = {}, [], set()

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        is_target = code in self._targets
        caller = frame.f_back
        is_entry = caller is not None and self._is_test(caller.f_code) and self._is_source(code)
        if not (is_target or is_entry) or frame in self._frames:
            return
        count = self._seen[code] = self._seen.get(code, 0) + 1
        if code.co_flags & SUSPENDED:
            self._frames.add(frame)
        if is_entry and count <= LOOKED_AT:
            self._open[frame] = _Open(frame, _copied(frame) if count <= PER_FUNCTION else None)
        if is_target and count <= LOOKED_AT:
            self._reached(frame, is_entry, count)

    def _reached(self, frame: FrameType, is_entry: bool, count: int) -> None:
        above: Optional[FrameType] = frame
        for _ in range(DEPTH):
            if above is None:
                break
            if above in self._open:
                self._open[above].reaches = True
                break
            above = above.f_back
        if not is_entry and count <= PER_FUNCTION:
            arguments = _copied(frame)
            if arguments is not None:
                self._inner.append(Call(frame.f_code, arguments, self._test, self._passes, False))

    def _is_test(self, code: CodeType) -> bool:
        return self._project.relative(code.co_filename) in self._tests

    def _is_source(self, code: CodeType) -> bool:
        path = self._project.relative(code.co_filename)
        return path is not None and path not in self._tests and not code.co_name.startswith("<")


def _copied(frame: FrameType) -> Optional[Arguments]:
    """The arguments of a call that begins, None if they cannot be copied. What copying calls is not traced."""
    try:
        names, varargs, keywords, values = inspect.getargvalues(frame)
        return copy.deepcopy({name: values[name] for name in [*names, *filter(None, (varargs, keywords))]})
    except BaseException:  # copying may run the target's own code
        return None
