"""Whose something is that must not outlive its maker, and whether that maker is still there.

A container or a temporary directory carries its owner's name. A process id alone would not do: it is used again, means
something else in another pid namespace, and nothing after the machine was started anew.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

from coder_sandbox.safe_files import directory, remove

PREFIX = "coder-tmp"


@dataclass(frozen=True)
class Owner:
    """One process, told apart from every other there is or was."""

    machine: str
    boot: str
    namespace: str  # of process ids
    pid: str
    start: str  # in the kernel's ticks since the boot

    @classmethod
    def me(cls) -> Self:
        """This process."""
        pid = str(os.getpid())
        namespace = re.sub(r"\D", "", str(Path("/proc/self/ns/pid").readlink()))
        return cls(_digest("/etc/machine-id"), _digest("/proc/sys/kernel/random/boot_id"), namespace, pid, _start(pid))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` gives; None if it is something else."""
        parts = text.split(".")
        return cls(*parts) if len(parts) == 5 and all(parts) else None

    def __str__(self) -> str:
        return ".".join(astuple(self))

    def is_dead(self) -> bool:
        """Whether it is certain that the process is no more: not where it cannot be seen from here."""
        me = self.me()
        if self.machine != me.machine:
            return False
        if self.boot != me.boot:
            return True
        return self.namespace == me.namespace and _start(self.pid) != self.start


def _digest(file: str) -> str:
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()[:8]
    except OSError:
        return "none"


def _start(pid: str) -> str:
    """When a process began, "-" if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return "-"


def temporary_directory(label: str) -> Path:
    """A new private directory that is labelled with a run and its owner, for `sweep` to find if that is killed."""
    label = re.sub(r"[^A-Za-z0-9-]", "-", label)[:40] or "none"
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}@{label}@{Owner.me()}@"))


def sweep() -> list[str]:
    """Remove this user's temporary directories whose owner is dead. Returns the runs they were labelled with."""
    swept = []
    top = Path(tempfile.gettempdir())
    for path in top.glob(f"{PREFIX}@*@*@*"):
        _, label, owner, _ = path.name.split("@", 3)
        known = Owner.parse(owner)
        if known is None or not known.is_dead():
            continue
        try:
            if path.lstat().st_uid != os.geteuid():
                continue
            with directory(top) as handle:
                remove(handle, path.name)
        except OSError:
            continue  # somebody else is sweeping, or it cannot be removed: nothing to end a run for
        swept.append(label)
    return swept
