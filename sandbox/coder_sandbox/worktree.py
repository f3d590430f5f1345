"""Making a directory exactly what it should be, whoever has been at it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from .objects import EXECUTABLE, LINK, Entry
from .safe_files import create, directory, entry_at, look, opened, remove, split

DIRECTORY_MODE = 0o755


def fill(
    root: Path, wanted: Mapping[str, Entry], read: Callable[[str], bytes], keep: Collection[str] = frozenset()
) -> None:
    """Make `root` hold the files `wanted` and nothing else.

    The directories `keep` stay as they are: on them something is mounted inside a sandbox, which would lose it.

    Nothing in it is believed but its content: neither times nor sizes alone, nor its `.git`. What differs is
    removed and made anew, never written into. `read` gives the bytes of a wanted path.
    """
    with directory(root.parent) as parent, opened(parent, root.name) as handle:
        os.fchmod(handle, DIRECTORY_MODE)
    for path, names in _by_directory(wanted).items():
        with directory(root, path) as handle:
            for name in set(os.listdir(handle)).difference(names):  # noqa: PTH208 no Path
                if (f"{path}/{name}" if path else name) not in keep:
                    remove(handle, name)
            for name, entry in names.items():
                if entry is None:
                    _make_directory(handle, name)
                elif not _is_so(handle, name, entry):
                    remove(handle, name)
                    _write(handle, name, entry, read(f"{path}/{name}" if path else name))


def listed(root: Path) -> Iterator[str]:
    """The paths of the files and links below a directory, but for caches and what begins with a dot."""
    for place, directories, names, _ in os.fwalk(root):
        directories[:] = [name for name in directories if name[0] != "." and name != "__pycache__"]
        below = Path(place).relative_to(root)
        yield from (str(below / name) for name in names if name[0] != ".")


def _by_directory(wanted: Mapping[str, Entry]) -> dict[str, dict[str, Entry | None]]:
    """Each directory's names, parents before children: a file's entry, None for a directory."""
    tree: dict[str, dict[str, Entry | None]] = {"": {}}
    for path, entry in wanted.items():
        head, name = split(path)
        _add_directory(tree, head)
        tree[head][name] = entry
    return tree


def _add_directory(tree: dict[str, dict[str, Entry | None]], path: str) -> None:
    missing = []
    while path not in tree:
        missing.append(path)
        path = split(path)[0]
    for new in reversed(missing):
        head, name = split(new)
        tree[head][name] = None
        tree[new] = {}


def _make_directory(parent: int, name: str) -> None:
    status = look(parent, name)
    if status is None or not stat.S_ISDIR(status.st_mode):
        remove(parent, name)
        os.mkdir(name, DIRECTORY_MODE, dir_fd=parent)
    with opened(parent, name) as handle:
        if stat.S_IMODE(os.fstat(handle).st_mode) != DIRECTORY_MODE:
            os.fchmod(handle, DIRECTORY_MODE)


def _is_so(parent: int, name: str, entry: Entry) -> bool:
    status = look(parent, name)
    if status is None:
        return False
    if stat.S_ISREG(status.st_mode):
        # A second name elsewhere would let a later write there change this file.
        if stat.S_IMODE(status.st_mode) != _rights(entry) or status.st_nlink != 1 or status.st_size != entry.size:
            return False
    elif not stat.S_ISLNK(status.st_mode):
        return False
    return entry_at(parent, name) == entry


def _write(parent: int, name: str, entry: Entry, data: bytes) -> None:
    if entry.mode == LINK:
        os.symlink(data, name, dir_fd=parent)
        return
    handle = create(parent, name, data)
    try:
        os.fchmod(handle, _rights(entry))
    finally:
        os.close(handle)


def _rights(entry: Entry) -> int:
    return 0o755 if entry.mode == EXECUTABLE else 0o644
