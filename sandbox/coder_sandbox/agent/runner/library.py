"""Where names are in what is installed for the target: for imports that no longer find what they ask for."""

from __future__ import annotations

import importlib
import os
import re
import sys
import time
from types import ModuleType
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from .report import Record, Report

SECONDS = 3.0  # of looking through files, for all names together
HOMES = 12  # modules given for one name
DEPTH = 3  # of packages that are looked into
BYTES = 1 << 20  # of one file
SKIPPED = {"test", "tests", "testing", "idlelib", "lib2to3", "turtledemo", "__pycache__", "site-packages", "_vendor"}


def library(job: Record, report: Report) -> None:
    """For each [module, name]: what the module has, which modules have the name, and modules of that name."""
    wanted = [(str(module), str(name)) for module, name in job["wanted"]]
    members = {module: _members(module) for module, _ in wanted if module}
    names = {name for _, name in wanted}
    homes: Dict[str, List[str]] = {name: sorted(_loaded(name), key=_plainness) for name in names}
    others: Dict[str, List[str]] = {name: [] for name in names}
    root, deadline = os.path.realpath(job["root"]), time.monotonic() + SECONDS
    for module, path in _files(root):
        if time.monotonic() > deadline:
            break
        for name in _defined(path, module, names):
            if module not in homes[name]:
                others[name].append(module)
    found = {name: [*own, *sorted(others[name], key=_plainness)][:HOMES] for name, own in homes.items()}
    report({"library": {"members": members, "homes": found}})


def _plainness(module: str) -> Tuple[bool, int, str]:
    """Public modules before private ones, short paths before long ones."""
    return (module.startswith("_") or "._" in module, module.count("."), module)


def _members(name: str) -> List[str]:
    try:
        module = importlib.import_module(name)
    except BaseException:  # whatever an import may end in
        return []
    return sorted(member for member in vars(module) if member[:2] != "__")[:2000]


def _loaded(name: str) -> List[str]:
    """The modules of this process that have a name, but for those that only use it."""
    found = []
    for module, loaded in list(sys.modules.items()):
        if not isinstance(loaded, ModuleType) or module.startswith(("_coder_agent", "_pytest", "pytest", "__")):
            continue
        thing = vars(loaded).get(name)
        if thing is None:
            continue
        public: Any = vars(loaded).get("__all__") or ()
        if getattr(thing, "__module__", None) == module or name in public or module in sys.builtin_module_names:
            found.append(module)
    return found


def _files(root: str) -> Iterator[Tuple[str, str]]:
    """(module, path) of what can be imported and is not the project's."""
    seen: Set[str] = set()
    for entry in sys.path:
        place = os.path.realpath(entry or ".")
        if place not in seen and os.path.isdir(place) and not (place + os.sep).startswith(root + os.sep):
            seen.add(place)
            yield from _below(place, "", DEPTH)


def _below(directory: str, package: str, depth: int) -> Iterator[Tuple[str, str]]:
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: (entry.is_dir(), entry.name))
    except OSError:
        return
    for entry in entries:
        stem, extension = os.path.splitext(entry.name)
        if extension == ".py" and stem.isidentifier():
            yield package.rstrip(".") if stem == "__init__" else package + stem, entry.path
        elif depth > 1 and stem.isidentifier() and stem not in SKIPPED and _is_package(entry.path):
            yield from _below(entry.path, f"{package}{stem}.", depth - 1)


def _is_package(path: str) -> bool:
    return os.path.exists(os.path.join(path, "__init__.py"))


def _defined(path: str, module: str, names: Set[str]) -> Iterator[str]:
    """Which of the names a file binds at its top, or is called by."""
    source: Optional[bytes] = None
    for name in names:
        if module.rpartition(".")[2] == name:
            yield name
            continue
        if source is None:
            source = _read(path)
        word = re.escape(name.encode())
        bound = rb"^(?:(?:class|def|async def)\s+%s\b|%s\s*[:=])" % (word, word)
        handed_on = rb"^from\s+[\w.]+\s+import\s.*\b%s\b" % word if path.endswith("__init__.py") else bound
        if word in source and re.search(rb"%s|%s" % (bound, handed_on), source, re.MULTILINE):
            yield name


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(BYTES)
    except OSError:
        return b""
