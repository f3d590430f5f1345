"""The queue."""

import heapq
import itertools


class Queue:
    """Jobs by priority, then in the order they came. A job may be held back until a time."""

    def __init__(self):
        self._heap = []
        self._order = itertools.count()
        self._held = []

    def put(self, job, not_before=None):
        """`not_before` in the seconds of whatever clock `get` is given."""
        entry = (job.priority, next(self._order), job)
        if not_before is None:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heappush(self._held, (not_before,) + entry)

    def get(self, now=0.0):
        """The next job that may run, None if there is none."""
        self._wake(now)
        if not self._heap:
            return None
        return heapq.heappop(self._heap)[-1]

    def drop(self, name):
        """Take all jobs of a name out and return how many there were."""
        before = len(self)
        self._heap = [entry for entry in self._heap if entry[-1].name != name]
        self._held = [entry for entry in self._held if entry[-1].name != name]
        heapq.heapify(self._heap)
        heapq.heapify(self._held)
        return before - len(self)

    def next_wake(self):
        """When the first held job may run, None if none is held."""
        return self._held[0][0] if self._held else None

    def __len__(self):
        return len(self._heap) + len(self._held)

    def _wake(self, now):
        while self._held and self._held[0][0] <= now:
            heapq.heappush(self._heap, heapq.heappop(self._held)[1:])
