"""Time as something that can be handed in."""

import time


class SystemClock:
    """Seconds that only go forward."""

    def now(self):
        return time.monotonic()


class ManualClock:
    """Stands still until it is told to go on."""

    def __init__(self, start=0.0):
        self._now = start

    def now(self):
        return self._now

    def advance(self, seconds):
        if seconds < 0:
            raise ValueError("time does not go back")
        self._now += seconds
