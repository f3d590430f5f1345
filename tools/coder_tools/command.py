"""The command that runs a repository's tests, as a person writes it."""

from __future__ import annotations

import shlex
from pathlib import PurePath

_WRAPPERS = (("uv", "run"), ("poetry", "run"), ("pdm", "run"), ("pipenv", "run"), ("hatch", "run"), ("rye", "run"))
_ANY_PYTHON = ("python", "python3")


def parse_test_command(cmd: str) -> tuple[str, str | None, tuple[str, ...]]:
    """(runner, interpreter or None, the runner's arguments) of "pytest -x tests", "python3.9 -m unittest discover".

    A bare "python" is the repository's own, as it is in an activated environment: it names none.
    Raises ValueError for a command that is neither pytest nor unittest.
    """
    words = shlex.split(cmd)
    if tuple(words[:2]) in _WRAPPERS:
        words = words[2:]
    program = PurePath(words[0]).name if words else ""
    if program in ("pytest", "py.test"):
        beside = str(PurePath(words[0]).with_name("python")) if "/" in words[0] else None
        return "pytest", beside, tuple(words[1:])
    if program.startswith(("python", "pypy")) and words[1:2] == ["-m"] and words[2:3] in (["pytest"], ["unittest"]):
        return words[2], None if words[0] in _ANY_PYTHON else words[0], tuple(words[3:])
    raise ValueError(f"{cmd!r} is neither 'pytest ...', 'python -m pytest ...' nor 'python -m unittest ...'")
