"""A repository as an actor sees it: the base's files with an in-memory change set on top.

Nothing here touches the disk. A path is reachable only if the base lists it or a change created it,
so there is no way out through links, `..` or absolute names.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence

from coder_tools.protect import bends_tests, forbidden

_NAME_BYTES = 255  # of one name in a path
_PATH_BYTES = 1024  # of a whole one: the directory of the worktree comes before it


class ToolError(Exception):
    """An action that cannot be done. The message says why, and what to do instead."""


class Workspace:
    """What the tools act on: `changes` over `read`.

    `read` gives a base file's bytes and raises KeyError for one that is not there. `changes` is shared with
    the caller and altered in place. `protected` gives the reason a path must not be edited, or "".
    """

    def __init__(
        self,
        read: Callable[[str], bytes],
        files: Sequence[str],
        changes: dict[str, bytes | None],
        protected: Callable[[str], str],
        allow_test_edits: bool = False,
        allow_config_edits: bool = False,
        read_many: Callable[[Iterable[str]], Iterator[tuple[str, bytes]]] | None = None,
        python: tuple[int, ...] = (),
    ) -> None:
        """`read_many`: paths of the base with their bytes, where that is cheaper than one after the other. `python`:
        the version that the repository's code is run with, () if it is not known."""
        self._read = read
        self._read_many = read_many or (lambda paths: ((path, read(path)) for path in paths))
        self._files = frozenset(files)
        self.changes = changes
        self._protected = protected
        self.allow_test_edits = allow_test_edits
        self.allow_config_edits = allow_config_edits
        self.python = python

    def over(self, changes: dict[str, bytes | None]) -> Workspace:
        """The same base under the same rules with another change set: edits made there are not made here."""
        rules = self._protected, self.allow_test_edits, self.allow_config_edits
        return Workspace(self._read, tuple(self._files), changes, *rules, self._read_many, self.python)

    def files(self) -> list[str]:
        """Every file there is now, sorted."""
        gone = {path for path, data in self.changes.items() if data is None}
        return sorted((self._files | self.changes.keys()) - gone)

    def exists(self, path: str) -> bool:
        if path in self.changes:
            return self.changes[path] is not None
        return path in self._files

    def read(self, path: str) -> bytes:
        """The file's bytes as they are now. Raises KeyError if there is no such file."""
        data = self.changes[path] if path in self.changes else self.original(path)
        if data is None:
            raise KeyError(path)
        return data

    def read_all(self, paths: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Each path with its bytes as they are now; KeyError as `read`. The base's files come first."""
        yield from self._read_many([path for path in paths if path not in self.changes])
        yield from ((path, self.read(path)) for path in paths if path in self.changes)

    def write(self, path: str, data: bytes) -> None:
        """Put a file into the change set. Raises ToolError for a path that must not be written."""
        path = contained(path)
        self.check_writable(path)
        before = self.base_of(path)
        if not self.allow_test_edits and bends_tests(path, before, data):
            held = f"{path} holds tests, examples in its documentation, or code for tests only"
            raise ToolError(f"{held}: leave that as it is, and add none.")
        if path in self._files and data == self.original(path):
            self.changes.pop(path, None)
        else:
            self.changes[path] = data

    def revision(self) -> str:
        """A short name for the change set as it is: the same changes have the same name."""
        digest = hashlib.sha256()
        for path, data in sorted(self.changes.items()):
            name = path.encode("utf-8", "surrogateescape")
            digest.update(b"%d %d " % (len(name), -1 if data is None else len(data)) + name + (data or b""))
        return digest.hexdigest()[:16]

    def check_writable(self, path: str) -> None:
        """Raise ToolError, with words for the actor, if this path must not be edited or cannot be a file."""
        reason = forbidden(path, self.allow_config_edits) or ("" if self.allow_test_edits else self._protected(path))
        if reason:
            raise ToolError(f"{path} may not be edited: {reason}. Change the code under test instead.")
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            if self.exists(parent):
                raise ToolError(f"{parent} is a file or a link, not a directory. Choose another path.")
        if any(name.startswith(path + "/") for name in self.files()):
            raise ToolError(f"{path} is a directory. Give the path of a file.")

    def original(self, path: str) -> bytes:
        """The file's bytes in the base. Raises KeyError if it has no such file."""
        if path not in self._files:
            raise KeyError(path)
        return self._read(path)

    def base_of(self, path: str) -> bytes:
        """The file's bytes in the base, none if it has no such file."""
        return self.original(path) if path in self._files else b""


def contained(given: str) -> str:
    """The path in its plain form (posix, relative). Raises ToolError for one that could lead out."""
    if not given or not given.strip():
        raise ToolError("The path is empty. Give one relative to the repository, such as src/module.py.")
    if any(ord(char) < 32 or ord(char) == 127 for char in given):
        raise ToolError("The path has control characters in it. Give a plain relative path.")
    try:
        sizes = [len(part.encode("utf-8", "surrogateescape")) for part in given.split("/")]
    except UnicodeEncodeError:
        raise ToolError("The path has half a character in it (a lone surrogate). Give a plain relative path.") from None
    if max(sizes) > _NAME_BYTES or sum(sizes) + len(sizes) > _PATH_BYTES:  # no file system would take it
        raise ToolError(f"The path is too long: a name may have {_NAME_BYTES} bytes, the whole {_PATH_BYTES}.")
    if "\\" in given or given.startswith(("/", "~")) or given[1:2] == ":":
        raise ToolError(f"{given!r} is not relative. Give a path relative to the repository, with `/`.")
    if ".." in given.split("/"):
        raise ToolError(f"{given!r} leads out with `..`. Give a path inside the repository.")
    path = posixpath.normpath(given)
    if path == ".":
        raise ToolError("That is the repository itself. Give the path of a file in it.")
    return path
