"""What a run has put into the user's repository: the record that undo goes by, on disk before the first change."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .durable import write_durably
from .objects import Entry

NAME = "landed.json"


@dataclass(frozen=True)
class LandedFile:
    """One file of the patch. What it was before is in the base."""

    path: str
    after: Entry | None  # None: deleted
    rights: int | None  # permission bits before, None for a new file
    mtime_ns: int | None  # before
    temporary: str  # name, in the same directory, of the file that is renamed into place


@dataclass(frozen=True)
class LandedRef:
    """A branch (or a detached HEAD) that coder moved from `old` to `new`; `old` is empty if it was created."""

    name: str
    old: str
    new: str


@dataclass
class Landed:
    """Everything that undo takes back."""

    files: list[LandedFile] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)  # created, parents first
    refs: list[LandedRef] = field(default_factory=list)
    index: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # path in git -> [before, after]

    @classmethod
    def load(cls, run_dir: Path) -> Landed | None:
        """The record of a run, None if it has put nothing anywhere."""
        try:
            data = json.loads((run_dir / NAME).read_bytes())
        except FileNotFoundError:
            return None
        return cls(
            [_file(item) for item in data["files"]],
            data["directories"],
            [LandedRef(**item) for item in data["refs"]],
            {name: [(m, o) for m, o in entries] for name, entries in data["index"].items()},
        )

    def save(self, run_dir: Path) -> None:
        """On the disk when this returns."""
        write_durably(run_dir / NAME, json.dumps(asdict(self)).encode())

    @staticmethod
    def forget(run_dir: Path) -> None:
        """Everything has been taken back."""
        (run_dir / NAME).unlink()


def _file(item: dict[str, Any]) -> LandedFile:
    after = Entry(**item["after"]) if item["after"] else None
    return LandedFile(item["path"], after, item["rights"], item["mtime_ns"], item["temporary"])
