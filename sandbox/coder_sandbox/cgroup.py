"""A control group for one sandbox where coder may make one: the kernel's fence around its memory and its processes.

Made below the group that coder itself is in (version 1), or below the nearest one that has been delegated to its user
and hands the controllers on (version 2). Where there is neither, the watchdog inside the sandbox is all there is.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coder_sandbox.contract import Limits
from coder_sandbox.owner import Owner

MOUNT = Path("/sys/fs/cgroup")
PREFIX = "coder@"
TASKS, MEBIBYTES = 64, 1024  # over the limits, so that it is the agent that ends what is over them, and says so
REMOVE_SECONDS = 2.0  # for the kernel to have done with the processes


@dataclass(frozen=True)
class Fence:
    """One sandbox's group: a directory (version 2), or one a controller (version 1)."""

    directories: tuple[Path, ...]
    shown: tuple[tuple[Path, Path], ...]  # (host, inside): where the agent reads that the kernel ended something

    def admit(self, pid: int) -> bool:
        """Put a process, and what it starts from now on, into the group. False if that is forbidden here."""
        try:
            for place in self.directories:
                (place / "cgroup.procs").write_text(str(pid))
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Remove the group, whose processes have been ended. What cannot be removed is left to a later sweep."""
        deadline = time.monotonic() + REMOVE_SECONDS
        for place in self.directories:
            while place.is_dir() and not _removed(place) and time.monotonic() < deadline:
                time.sleep(0.01)


def fence(limits: Limits, mount: Path = MOUNT, membership: Path = Path("/proc/self/cgroup")) -> Fence | None:
    """Make a group with these limits; None where none may be made. Groups of dead coder processes are removed."""
    try:
        lines = [line.split(":", 2) for line in membership.read_text().splitlines()]
    except OSError:
        return None
    if (mount / "cgroup.controllers").exists():
        return _unified(limits, mount, next((path for _, names, path in lines if not names), "/"))
    own = {name: path for _, names, path in lines for name in names.split(",")}
    return _by_controller(limits, mount, own)


def _unified(limits: Limits, mount: Path, own: str) -> Fence | None:
    memory = (limits.memory_mb + MEBIBYTES) << 20
    values = {"memory.max": str(memory), "memory.swap.max": "0", "pids.max": str(limits.processes + TASKS)}
    if limits.cpus:
        values["cpu.max"] = f"{int(limits.cpus * 100_000)} 100000"
    for parent in _upwards(mount, own):
        handed_on = _words(parent / "cgroup.subtree_control")
        if not {"memory", "pids"} <= handed_on or not os.access(parent, os.W_OK):
            continue
        wanted = {name: value for name, value in values.items() if name.split(".")[0] in handed_on}
        if place := _made(parent, wanted):
            return Fence((place,), ((place, MOUNT),))
    return None


def _by_controller(limits: Limits, mount: Path, own: dict[str, str]) -> Fence | None:
    memory = (limits.memory_mb + MEBIBYTES) << 20
    values = {
        "memory": {"memory.limit_in_bytes": str(memory), "memory.memsw.limit_in_bytes": str(memory)},
        "pids": {"pids.max": str(limits.processes + TASKS)},
    }
    if limits.cpus:
        values["cpu"] = {"cpu.cfs_quota_us": str(int(limits.cpus * 100_000))}
    made: list[Path] = []
    for controller, wanted in values.items():
        parent = mount / controller / own.get(controller, "/").lstrip("/")
        place = _made(parent, wanted) if controller in own and os.access(parent, os.W_OK) else None
        if place is None:
            Fence(tuple(made), ()).close()
            return None
        made.append(place)
    return Fence(tuple(made), ((made[0], MOUNT / "memory"),))


def _upwards(mount: Path, own: str) -> Iterator[Path]:
    """The group that coder is in, and those above it, the nearest first."""
    place = mount / own.lstrip("/")
    while place != mount.parent:
        yield place
        place = place.parent


def _made(parent: Path, values: dict[str, str]) -> Path | None:
    """A new group with these limits; None if it cannot be made, or the one that matters cannot be set."""
    _sweep(parent)
    place = parent / f"{PREFIX}{Owner.me()}@{os.urandom(4).hex()}"
    try:
        place.mkdir()
    except OSError:
        return None
    for name, value in values.items():
        try:
            (place / name).write_text(value)
        except OSError:
            if "swap" in name or "memsw" in name:  # no swap is counted here
                continue
            _removed(place)
            return None
    return place


def _sweep(parent: Path) -> None:
    for place in parent.glob(f"{PREFIX}*"):
        owner = Owner.parse(place.name.split("@")[1])
        if owner is not None and owner.is_dead():
            _removed(place)


def _removed(place: Path) -> bool:
    with contextlib.suppress(OSError):
        place.rmdir()
        return True
    return False


def _words(file: Path) -> set[str]:
    try:
        return set(file.read_text().split())
    except OSError:
        return set()
