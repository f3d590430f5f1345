"""Puts a candidate in place in a process that has the project imported: its live functions get the new code."""

from __future__ import annotations

import gc
import os
import sys
import threading
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, FunctionType, GeneratorType
from typing import Any, Dict, List, NamedTuple, Sequence, Set, Tuple

from .override import Sources, Splice, compile_source, install
from .project import Project
from .swap import File, Reload, Spot, Unit, same, spot

UNDER_WAY = ((GeneratorType, "gi_code"), (CoroutineType, "cr_code"), (AsyncGeneratorType, "ag_code"))


class Ran:
    """Which code of the project has been executed while it was watched (the imports and the collection)."""

    def __init__(self, project: Project) -> None:
        self._relative = project.relative
        self._seen: Set[Tuple[str, Spot]] = set()

    def __contains__(self, code: CodeType) -> bool:
        return (str(self._relative(code.co_filename)), spot(code)) in self._seen

    def note(self, code: CodeType) -> None:
        """Count a code object as executed."""
        path = self._relative(code.co_filename)
        if path is not None:
            self._seen.add((path, spot(code)))

    def watch(self) -> None:
        """Begin."""
        if sys.version_info >= (3, 12):
            monitoring = sys.monitoring
            self._tool = next(tool for tool in (4, 3, 5, 1) if monitoring.get_tool(tool) is None)
            monitoring.use_tool_id(self._tool, "coder")
            event = monitoring.events.PY_START

            def entered(code: CodeType, offset: int) -> Any:
                self.note(code)
                return monitoring.DISABLE

            monitoring.register_callback(self._tool, event, entered)
            monitoring.set_events(self._tool, event)
        else:
            threading.settrace(self._called)
            sys.settrace(self._called)

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        self.note(frame.f_code)

    def stop(self) -> None:
        """End."""
        if sys.version_info >= (3, 12):
            sys.monitoring.set_events(self._tool, 0)
            sys.monitoring.free_tool_id(self._tool)
        else:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type,unused-ignore]  # None is documented


class Plan(NamedTuple):
    """How to make a process one in which the files are changed."""

    swaps: List[Tuple[FunctionType, CodeType]]
    changed: Dict[str, bytes]  # real path -> content, for what is imported or reloaded later

    def carry_out(self) -> None:
        """In a fork: this process is never the same again."""
        install(self.changed)
        for function, code in self.swaps:
            function.__code__ = code


class Placer:
    """Made once the project is imported."""

    def __init__(self, sources: Sources, project: Project, ran: Ran) -> None:
        self._sources, self._ran = sources, ran
        self._files: Dict[str, File] = {}
        self._loaded = {os.path.realpath(name) for name in map(_file_of, list(sys.modules.values())) if name}
        self._live: Dict[str, Dict[Spot, List[FunctionType]]] = {}
        for thing in gc.get_objects():
            if type(thing) is FunctionType:
                path = project.relative(thing.__code__.co_filename)
                if path is not None:
                    self._live.setdefault(path, {}).setdefault(spot(thing.__code__), []).append(thing)
                continue
            for kind, attribute in UNDER_WAY:
                if type(thing) is kind:
                    ran.note(getattr(thing, attribute))

    def _units(self, splices: Sequence[Splice]) -> Dict[Tuple[str, Unit], List[Splice]]:
        found: Dict[Tuple[str, Unit], List[Splice]] = {}
        for splice in splices:
            name = str(splice[0])
            path = self._sources.path(name)
            if path not in self._loaded and name not in self._live:
                continue  # nothing of it is here yet: the import will take the candidate's source
            if name not in self._files:
                self._files[name] = File(self._sources.read(name), path)
            unit = self._files[name].unit(int(splice[1]), int(splice[2]))
            found.setdefault((name, unit), []).append(splice)
        return found

    def plan(self, splices: Sequence[Splice]) -> Plan:
        """What to do for these splices. Raises Reload, OSError, ValueError, SyntaxError."""
        swaps: List[Tuple[FunctionType, CodeType]] = []
        for (name, unit), own in self._units(splices).items():
            live = self._live.get(name, {})
            for number, (base, new) in enumerate(self._files[name].prepare(unit, own, self._ran.__contains__)):
                functions = live.get(spot(base), [])
                if not all(same(function.__code__, base) for function in functions):
                    raise Reload(f"{base.co_name} is not what the file says")
                if number == 0 and not functions:
                    raise Reload(f"nothing holds {base.co_name}")
                swaps += [(function, new) for function in functions]
        changed = self._sources.changed(splices)
        for path, content in changed.items():
            if path not in self._loaded:
                _compile(content, path)
        return Plan(swaps, changed)


def _compile(content: bytes, path: str) -> None:
    try:
        compile_source(content, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Reload(str(error)) from None


def _file_of(module: Any) -> str:
    name = getattr(module, "__file__", None)
    return name if isinstance(name, str) else ""
