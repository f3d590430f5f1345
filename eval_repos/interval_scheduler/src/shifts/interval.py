"""Intervals of whole minutes since midnight, start included, end not."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Interval:
    """[start, end); an empty interval is refused."""

    start: int
    end: int

    def __post_init__(self):
        if self.start >= self.end:
            raise ValueError("empty interval: %d to %d" % (self.start, self.end))

    @property
    def minutes(self):
        return self.end - self.start

    def overlaps(self, other):
        """True if a minute lies in both."""
        return self.start < other.end and other.start < self.end

    def touches(self, other):
        """True if together they are one interval without a hole."""
        return self.start <= other.end and other.start <= self.end

    def contains(self, other):
        return self.start <= other.start and other.end <= self.end

    def join(self, other):
        """The smallest interval that holds both."""
        return Interval(min(self.start, other.start), max(self.end, other.end))

    def split(self, size):
        """Consecutive pieces of `size` minutes; a rest that is too short is left out."""
        pieces = []
        for start in range(self.start, self.end - size, size):
            pieces.append(Interval(start, start + size))
        return pieces
