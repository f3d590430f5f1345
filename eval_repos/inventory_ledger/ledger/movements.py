"""One change of stock."""

from dataclasses import dataclass, field
from datetime import date
from enum import Enum


class Kind(Enum):
    """Why stock changed."""

    RECEIPT = "receipt"
    WITHDRAWAL = "withdrawal"
    CORRECTION = "correction"


@dataclass(frozen=True)
class Movement:
    """`quantity` is always positive except for corrections, which may take stock away."""

    item: str
    kind: Kind
    quantity: int
    day: date = field(default_factory=date.today)
    note: str = ""

    def __post_init__(self):
        if self.quantity == 0:
            raise ValueError("a movement of nothing")
        if self.quantity < 0 and self.kind is not Kind.CORRECTION:
            raise ValueError("only corrections may be negative")

    @property
    def effect(self):
        """How much the movement adds to the stock."""
        if self.kind is Kind.WITHDRAWAL:
            return -self.quantity
        return self.quantity
