"""Counters of a cache."""

from dataclasses import dataclass


@dataclass
class Stats:
    """How often a key was there, was not, and why entries left."""

    hits: int = 0
    misses: int = 0
    evicted: int = 0
    expired: int = 0

    @property
    def rate(self):
        """Hits among all look-ups, 0 if there was none."""
        total = self.hits + self.misses
        if total == 0:
            return 0.0
        return self.hits / total
