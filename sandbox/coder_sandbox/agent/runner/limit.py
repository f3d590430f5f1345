"""The end of a test that has had its time: where it is, and what it ran, is told before its process ends."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Optional

OVER = signal.SIGRTMIN + 11  # one that neither the C library nor a test has a use for


class TimeOver(BaseException):
    """Raised wherever the test is. Code that takes in every exception may go on; then the process is killed."""


def heed() -> None:
    """Have the signal end what this process is at."""
    signal.signal(OVER, _end)


def _end(number: int, frame: Optional[FrameType]) -> None:
    signal.signal(OVER, signal.SIG_IGN)  # once is enough
    raise TimeOver("it was not done within its time limit")


def pass_on(pid: int) -> None:
    """Have the signal reach a child in place of this process."""
    signal.signal(OVER, lambda number, frame: os.kill(pid, number))
