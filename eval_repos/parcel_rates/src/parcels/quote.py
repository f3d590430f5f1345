"""The price."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Dict

from . import limits, zones
from .measure import chargeable_weight

BASE = (Decimal("4.50"), Decimal("8.90"), Decimal("14.90"))
PER_KG = (Decimal("0.40"), Decimal("1.10"), Decimal("2.30"))
FREE_KG = 2
CUSTOMS = Decimal("3.00")
INSURANCE_STEP = 500
INSURANCE = Decimal("2.50")


@dataclass
class Quote:
    """The parts of a price, in euro."""

    parts: Dict[str, Decimal] = field(default_factory=dict)

    @property
    def total(self):
        return sum(self.parts.values(), Decimal(0))


def quote(parcel, country, value=0):
    """What the parcel costs. Raises Refused or ValueError.

    `value` in euro; it is insured in steps, the first of which is free.
    """
    limits.check(parcel)
    zone = zones.zone(country)
    result = Quote({"base": BASE[zone]})
    extra = chargeable_weight(parcel) - FREE_KG
    if extra > 0:
        result.parts["weight"] = PER_KG[zone] * Decimal(str(extra))
    if zones.needs_customs_form(country):
        result.parts["customs"] = CUSTOMS
    steps = int(value // INSURANCE_STEP)
    if steps > 0:
        result.parts["insurance"] = INSURANCE * steps
    return result
