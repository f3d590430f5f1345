"""The mean of the last values."""

from collections import deque


class MovingMean:
    """Mean over a window of the latest values."""

    def __init__(self, size):
        self._size = size
        self._window = deque()
        self._total = 0

    def add(self, value):
        """Take in a value and return the mean."""
        self._window.append(value)
        self._total += value
        if len(self._window) > self._size:
            self._total -= self._window.pop()
        return self._total / len(self._window)
