"""What this machine has to run a model on: memory, graphics cards, whether they share it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

GIB = 1 << 30
_SECONDS = 5.0  # a driver's tool may take, or it is not asked

# What a model may have of the memory. The rest is the system's, and the tests that run beside the model.
_OF_CARD, _OF_UNIFIED, _OF_MEMORY = 0.92, 0.70, 0.60
_AT_MOST = 0.75  # of plain or unified memory, for a model that is there already


@dataclass(frozen=True)
class Hardware:
    """Bytes, and what they are. `card`: of the graphics cards together, 0 where there is none."""

    memory: int
    card: int = 0
    unified: bool = False  # the graphics processor uses the memory itself (Apple)
    cores: int = 1

    @property
    def for_model(self) -> int:
        """Bytes that weights and context cache may take together."""
        if self.unified:
            return int(self.memory * _OF_UNIFIED)
        return int(self.card * _OF_CARD) if self.card else int(self.memory * _OF_MEMORY)

    @property
    def at_most(self) -> int:
        """Bytes that they may take where it has to be: with the machine's own memory beside the card's, which is
        slower, or with less left for the system and the tests."""
        if self.card and not self.unified:
            return self.for_model + int(self.memory * _OF_MEMORY)
        return int(self.memory * _AT_MOST)

    @property
    def accelerated(self) -> bool:
        return self.unified or self.card > 0

    def words(self) -> str:
        """For the reader, such as "24 GB of memory, 2 cores, no graphics card"."""
        size = f"{self.memory / GIB:.0f} GB of {'unified ' if self.unified else ''}memory, {self.cores} cores"
        if self.unified:
            return size
        return f"{size}, " + (f"{self.card / GIB:.0f} GB on the graphics card" if self.card else "no graphics card")


def cores() -> int:
    """The processors that this process may use, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def detect() -> Hardware:
    """This machine's. What cannot be found out counts as not there."""
    if platform.system() == "Darwin":
        memory = int(_output(["sysctl", "-n", "hw.memsize"]) or 0)
        return Hardware(memory, unified=platform.machine() == "arm64", cores=cores())
    return Hardware(_memory(), sum(_nvidia()) or sum(_amd()), cores=cores())


def _memory(root: Path = Path("/")) -> int:
    """The machine's memory, or the container's where that is less."""
    limits = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int((root / file).read_text()))
        except (OSError, ValueError):  # no such file, or "max"
            continue
    return min((limit for limit in limits if limit > 0), default=0)


def _nvidia() -> Iterator[int]:
    """The memory of each NVIDIA card, in bytes."""
    if shutil.which("nvidia-smi") is None:
        return
    for line in _output(["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]).splitlines():
        if line.strip().isdigit():
            yield int(line) << 20


def _amd(root: Path = Path("/sys/class/drm")) -> Iterator[int]:
    """The memory of each AMD card, in bytes; what is too small to be a card's own is shared memory."""
    for file in sorted(root.glob("card*/device/mem_info_vram_total")):
        try:
            size = int(file.read_text())
        except (OSError, ValueError):
            continue
        if size >= 4 * GIB:
            yield size


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
