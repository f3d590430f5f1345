"""Which code is the project's own, and what a failure says about it."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from types import TracebackType
from typing import Any, Dict, List, Optional

MESSAGE = 4096  # characters of a failure's message
FRAMES = 40
FOREIGN = {"site-packages", "dist-packages", "node_modules", ".git", ".tox", ".nox"}


def shorten(text: str, size: int = MESSAGE) -> str:
    """At most `size` characters: the head, and the last quarter."""
    if len(text) <= size:
        return text
    return text[: size - size // 4 - 5] + "\n...\n" + text[-(size // 4) :]


def words(error: BaseException) -> str:
    """The last lines of its traceback. Python's own way to them takes as long as a short test: it is gone only for
    what it adds something to."""
    kind = type(error)
    is_plain = kind.__module__ == "builtins" and not getattr(error, "__notes__", None)
    if is_plain and not isinstance(error, (SyntaxError, NameError, AttributeError, ImportError)):
        with contextlib.suppress(Exception):  # a `__str__` may raise
            text = str(error)
            return f"{kind.__qualname__}: {text}".strip() if text else kind.__qualname__
    # Of the exceptions before it nothing is said, so their frames' sources need not be read.
    told = traceback.TracebackException(kind, error, None, limit=0)
    return "".join(told.format_exception_only()).strip()


class Project:
    """The files under the root, without installed packages and virtual environments."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self._known: Dict[str, Optional[str]] = {}
        self._foreign: Dict[str, bool] = {self.root: False}

    def relative(self, filename: str) -> Optional[str]:
        """The path from the root, as posix; None for a file that is not the project's."""
        try:
            return self._known[filename]
        except KeyError:
            found = self._known[filename] = self._relative(filename)
            return found

    def _relative(self, filename: str) -> Optional[str]:
        if filename.startswith("<"):
            return None
        path = os.path.realpath(os.path.join(self.root, filename))
        if not path.startswith(self.root + os.sep) or self._is_foreign(os.path.dirname(path)):
            return None
        return os.path.relpath(path, self.root).replace(os.sep, "/")

    def _is_foreign(self, directory: str) -> bool:
        if directory not in self._foreign:
            self._foreign[directory] = (
                os.path.basename(directory) in FOREIGN
                or directory == sys.prefix
                or os.path.exists(os.path.join(directory, "pyvenv.cfg"))
                or self._is_foreign(os.path.dirname(directory))
            )
        return self._foreign[directory]

    def frames(self, error: Optional[BaseException], tb: Optional[TracebackType]) -> List[List[Any]]:
        """[path, line, function] of the project's frames, deepest last; of too many, the first and last."""
        found: List[List[Any]] = []
        for frame, line in traceback.walk_tb(tb):
            path = self.relative(frame.f_code.co_filename)
            if path is not None:
                found.append([path, line, frame.f_code.co_name])
        if isinstance(error, SyntaxError) and error.filename and error.lineno:
            path = self.relative(error.filename)
            if path is not None:
                found.append([path, error.lineno, "<module>"])
        return found if len(found) <= FRAMES else found[: FRAMES // 4] + found[-FRAMES * 3 // 4 :]

    def failure(self, error: BaseException, tb: Optional[TracebackType], message: str = "") -> Dict[str, Any]:
        """The part of a result that says what went wrong. `message`: in place of the exception's own words."""
        return {
            "message": shorten(message or words(error)),
            "exception": type(error).__name__,
            "frames": self.frames(error, tb),
        }
