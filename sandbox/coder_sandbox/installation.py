"""Reads Python installations and virtual environments as files: nothing here is ever executed.

A virtual environment in a repository may be hostile: its links and its pyvenv.cfg say what is to be shown inside
the sandbox. So only what looks like a Python installation is, and never a home directory or what is above one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coder_sandbox.contract import Mount
from coder_sandbox.launch import SYSTEM_DIRECTORIES

OLDEST_MINOR = 8  # of the Python 3 that the agent runs on
MAX_LINKS = 40
SYSTEM = [Path(name) for name in SYSTEM_DIRECTORIES]  # every sandbox shows them anyway


class Unusable(Exception):
    """Why an environment or interpreter cannot be taken, in words that follow its name."""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter as seen inside, and what has to be shown for it to start there."""

    python: Path
    mounts: tuple[Mount, ...]
    environment: Path | None = None  # of a virtual environment: its directory


def absolute(path: Path) -> Path:
    """An absolute path without "..", its links left as they are."""
    return Path(os.path.normpath(path.absolute()))


def environment(directory: Path, home: Path, python: Path | None = None) -> Interpreter:
    """The virtual environment in a directory, with the installation it is based on; `python` if not its own."""
    root = Path(os.path.realpath(directory)) if directory.is_symlink() else absolute(directory)
    settings = _settings(root / "pyvenv.cfg")
    _refuse_home(Path(os.path.realpath(root)), home)
    python = root / "bin" / python.name if python else _first(root / "bin" / "python", root / "bin" / "python3")
    mounts = _shown(root)
    if "home" in settings:
        mounts += _installation(Path(settings["home"]), home)
    mounts += _for_links(python, mounts, home)
    return Interpreter(python, tuple(dict.fromkeys(mounts)), root)


def installation(python: Path, home: Path) -> Interpreter:
    """An interpreter that is part of an installation, or a link to one."""
    python = absolute(python)
    if not python.exists():
        raise Unusable("does not exist")
    if (python.parent.parent / "pyvenv.cfg").is_file():
        return environment(python.parent.parent, home, python)
    return Interpreter(python, tuple(dict.fromkeys(_for_links(python, [], home))))


def _settings(file: Path) -> Mapping[str, str]:
    """pyvenv.cfg as a mapping."""
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        raise Unusable("is no virtual environment: it has no pyvenv.cfg") from None
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _first(*places: Path) -> Path:
    for place in places:
        if place.exists():
            return place
    raise Unusable("has no working python: it was made on another machine, or its Python is gone")


def _for_links(python: Path, mounts: list[Mount], home: Path) -> list[Mount]:
    """What the links from `python` to the interpreter itself lead through, so that they do so inside."""
    real = Path(os.path.realpath(python))
    if not real.is_file():
        raise Unusable("has no working python: it was made on another machine, or its Python is gone")
    found = [] if _covered(real, mounts) else _installation(real.parent, home)
    for place in _hops(python):
        if not _covered(place, mounts + found):
            found.append(Mount(real, place))
    return found


def _hops(path: Path) -> list[Path]:
    """A path and the paths that the links it ends in lead to, one after the other."""
    hops = [path]
    while hops[-1].is_symlink() and len(hops) < MAX_LINKS:
        hops.append(absolute(hops[-1].parent / hops[-1].readlink()))
    return hops


def _covered(path: Path, mounts: list[Mount]) -> bool:
    return any(system in path.parents for system in SYSTEM) or any(
        m.inside == path or m.inside in path.parents for m in mounts
    )


def _installation(directory: Path, home: Path) -> list[Mount]:
    """The installation whose programs are in `directory` (usually .../bin), shown at its real path and at this one."""
    real = Path(os.path.realpath(directory)).parent
    _refuse_home(real, home)
    _check_installation(real)
    named = absolute(directory).parent
    shown = _shown(named) if Path(os.path.realpath(named)) == real else []
    return [mount for mount in [*shown, Mount(real, real)] if not _covered(mount.inside / "bin", [])]


def _shown(path: Path) -> list[Mount]:
    """A directory at the path it is called by, and at its real one if links make that another."""
    real = Path(os.path.realpath(path))
    return [Mount(real, place) for place in dict.fromkeys((path, real))]


def _refuse_home(directory: Path, home: Path) -> None:
    real_home = Path(os.path.realpath(home))
    if directory == real_home or directory in real_home.parents:
        raise Unusable(f"would show {directory} inside the sandbox, which is no place for a Python")


def _check_installation(prefix: Path) -> None:
    """A Python installation has an interpreter and a standard library of the same prefix."""
    libraries = [*prefix.glob("lib/python3.*/os.py"), *prefix.glob("lib64/python3.*/os.py")]
    if not libraries or not any(prefix.glob("bin/python3*")):
        raise Unusable(f"leads to {prefix}, which is no Python 3 installation")
    minors = [int(found[1]) for path in libraries if (found := re.fullmatch(r"python3\.(\d+)t?", path.parent.name))]
    if not minors or max(minors) < OLDEST_MINOR:
        raise Unusable(f"is older than Python 3.{OLDEST_MINOR}, the oldest that coder can run tests with")
