"""A parcel and its measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Parcel:
    """Sides in cm, weight in kg."""

    length: float
    width: float
    height: float
    weight: float

    def __post_init__(self):
        if min(self.length, self.width, self.height, self.weight) <= 0:
            raise ValueError("a parcel has a size and a weight")

    @property
    def sides(self):
        """Longest first."""
        return tuple(sorted((self.length, self.width, self.height), reverse=True))

    @property
    def volume(self):
        """Litres."""
        return self.length * self.width * self.height / 1000
