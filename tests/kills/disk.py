"""A disk that loses power: what was not written to it durably is gone. For root, where there are loop devices."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

SIZE = 96 << 20  # bytes
OPTIONS = "loop,commit=300,noauto_da_alloc"
"""Nothing reaches the disk by itself: neither after a while, nor because a file replaces another."""


def why_not() -> str:
    """Why there can be no such disk here; "" if there can."""
    if os.geteuid() != 0:
        return "only root may mount a disk"
    missing = [name for name in ("mkfs.ext4", "mount", "umount") if not shutil.which(name)]
    if missing or not Path("/dev/loop-control").exists():
        return f"no {', '.join(missing) or 'loop devices'} here"
    return ""


class Disk:
    """An ext4 file system in a file, mounted at `path`."""

    def __init__(self, place: Path) -> None:
        self.path = place / "disk"
        self.path.mkdir()
        self._image = place / "image.0"
        self._cuts = 0
        with self._image.open("wb") as file:
            file.truncate(SIZE)
        _do("mkfs.ext4", "-q", "-F", self._image)
        self._mount()

    def cut(self, process: subprocess.Popen[bytes]) -> None:
        """The power goes while the process runs (it leads a group of its own), and comes back.

        The process stands still while the image is copied, so that this is the disk as it was at one instant.
        """
        os.killpg(process.pid, signal.SIGSTOP)
        while not all(_stopped(member) for member in _group(process.pid)):
            time.sleep(0.002)
        self._cuts += 1
        after = self._image.with_name(f"image.{self._cuts}")
        _do("cp", "--sparse=always", self._image, after)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.close()
        self._image = after
        self._mount()

    def close(self) -> None:
        """Unmount it: what still has files open there keeps the old one."""
        with suppress(subprocess.CalledProcessError):
            _do("umount", "--lazy", self.path)
        self._image.unlink()

    def _mount(self) -> None:
        _do("mount", "-t", "ext4", "-o", OPTIONS, self._image, self.path)


def _group(leader: int) -> list[Path]:
    found = []
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdecimal() and int(_fields(process / "stat")[2]) == leader:
                found.append(process)
    return found


def _stopped(process: Path) -> bool:
    """Whether every thread of a process stands still, or it is gone."""
    try:
        return all(_fields(thread / "stat")[0] in "TtZX" for thread in (process / "task").iterdir())
    except OSError:
        return True


def _fields(stat: Path) -> list[str]:
    """What /proc tells of a process after its name: the state, its parent, its group."""
    return stat.read_text().rpartition(")")[2].split()


def _do(*argv: str | Path) -> None:
    subprocess.run(argv, check=True, capture_output=True)
