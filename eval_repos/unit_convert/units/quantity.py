"""A number with a unit."""

from dataclasses import dataclass

from . import table


class WrongKind(TypeError):
    """Lengths are no masses."""


@dataclass(frozen=True)
class Quantity:
    """Sums have the unit of the left side."""

    value: float
    unit: str

    def __post_init__(self):
        table.lookup(self.unit)

    @property
    def kind(self):
        return table.lookup(self.unit)[0]

    def to(self, unit):
        """The same amount in another unit. Raises WrongKind."""
        kind, factor = table.lookup(unit)
        if kind != self.kind:
            raise WrongKind("%s is no %s" % (self.unit, kind))
        return Quantity(self.value * table.lookup(self.unit)[1] / factor, unit)

    def __add__(self, other):
        return Quantity(self.value + other.to(self.unit).value, self.unit)

    def __sub__(self, other):
        return Quantity(self.value - other.to(self.unit).value, self.unit)

    def __str__(self):
        return "%g %s" % (self.value, self.unit)
