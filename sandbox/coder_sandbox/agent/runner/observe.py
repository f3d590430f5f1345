"""What the variables of suspicious lines hold while a test runs: names of types, and the members these have.

Nothing of the project is called for it: values are asked for their type and their own dictionary, and not for more.
"""

from __future__ import annotations

import sys
import threading
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any, Dict, Iterable, List, Optional, Set

from .project import Project

VISITS = 50  # of one line, after which it has shown what it has
NAMES = 60  # variables of one line
MEMBERS = 400  # of one type
PLACES = 40  # attributes of one object

PLAIN = (object, type, ModuleType, super)  # whose way of finding a member is the usual one

Seen = Dict[str, Set[str]]
"""expression (`x` or `x.y`) -> names of the types it had"""


class Observer:
    """By sys.settrace, on the wanted lines only. Used as a coverage is: start() before a test, stop() after it."""

    key = "observed"

    def __init__(self, project: Project, wanted: Dict[str, List[int]]) -> None:
        self._project = project
        self._wanted = {path: set(lines) for path, lines in wanted.items()}
        self._codes: Dict[CodeType, Set[int]] = {}
        self._visits: Dict[Any, int] = {}
        self._lines: Dict[str, Dict[int, Seen]] = {}
        self._types: Dict[str, Set[str]] = {}

    def start(self) -> None:
        """Begin a test."""
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def stop(self) -> Dict[str, Any]:
        """End it, and give what was seen: types by path, line and expression, and the members of those types."""
        sys.settrace(None)
        threading.settrace(None)
        lines = {
            path: {str(line): {name: sorted(kinds) for name, kinds in seen.items()} for line, seen in own.items()}
            for path, own in self._lines.items()
        }
        members = {word: _listed(names) for word, names in self._types.items()}
        found = {"lines": lines, "members": members}
        self._lines, self._types, self._visits = {}, {}, {}
        return found

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        if code not in self._codes:
            path = self._project.relative(code.co_filename)
            wanted = self._wanted.get(path, set()) if path is not None else set()
            last = max((line for _, _, line in _lines_of(code)), default=0)
            self._codes[code] = {line for line in wanted if code.co_firstlineno <= line <= last}
        return self._trace if self._codes[code] else None

    def _trace(self, frame: FrameType, event: str, argument: Any) -> Any:
        line = frame.f_lineno
        if event == "line" and line in self._codes[frame.f_code]:
            place = (frame.f_code.co_filename, line)
            self._visits[place] = self._visits.get(place, 0) + 1
            if self._visits[place] <= VISITS:
                path = self._project.relative(frame.f_code.co_filename)
                named = {name: frame.f_globals[name] for name in frame.f_code.co_names if name in frame.f_globals}
                self._look(self._lines.setdefault(str(path), {}).setdefault(line, {}), {**named, **frame.f_locals})
        return self._trace

    def _look(self, seen: Seen, variables: Dict[str, Any]) -> None:
        for name, value in list(variables.items())[:NAMES]:
            if name.isidentifier():
                self._note(seen, name, value)
                for attribute, held in _attributes(value):
                    self._note(seen, f"{name}.{attribute}", held)

    def _note(self, seen: Seen, name: str, value: Any) -> None:
        kind = type(value)
        word = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        if isinstance(value, ModuleType):
            word = f"module {value.__name__}"
        seen.setdefault(name, set()).add(word)
        known = self._types.get(word)
        if known is None:
            self._types[word] = _members(value, kind)
        else:  # one object of a type may have what another has not got yet
            known.update(_named(_own(value) or ()))


def _lines_of(code: CodeType) -> Any:
    """(start, end, line) of a code object's parts."""
    if sys.version_info >= (3, 10):
        return [part for part in code.co_lines() if part[2]]
    import dis

    return [(start, start, line) for start, line in dis.findlinestarts(code)]


def _own(value: Any) -> Optional[Dict[str, Any]]:
    try:
        own = object.__getattribute__(value, "__dict__")
    except Exception:
        return None
    return own if type(own) is dict else None


def _attributes(value: Any) -> List[Any]:
    """The plain attributes of an object that is no class, function or module."""
    if isinstance(value, (type, ModuleType, FunctionType)):
        return []
    return [pair for pair in list((_own(value) or {}).items())[:PLACES] if type(pair[0]) is str]


def _listed(names: Set[str]) -> List[str]:
    """Of too many members some, and the sign that there are others."""
    return sorted(names) if len(names) <= MEMBERS else [*sorted(names)[:MEMBERS], "__getattr__"]


def _named(names: Iterable[Any]) -> Set[str]:
    return {name for name in names if type(name) is str and (name == "__getattr__" or name[:2] != "__")}


def _members(value: Any, kind: type) -> Set[str]:
    """What can be asked of a value: of its classes, and of itself. `__getattr__` is among it where code decides."""
    names: Set[Any] = set(_own(value) or ())
    bases = list(type.__dict__["__mro__"].__get__(kind))
    if isinstance(value, type):
        bases += type.__dict__["__mro__"].__get__(value)
    for base in bases:
        own = type.__dict__["__dict__"].__get__(base)
        names.update(own)
        if "__getattribute__" in own and base not in PLAIN:
            names.add("__getattr__")
    return _named(names)
