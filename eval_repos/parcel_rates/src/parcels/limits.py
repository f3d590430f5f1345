"""What the carrier takes."""

from .measure import girth

MAX_WEIGHT = 31.5
MAX_SIDE = 120
MAX_GIRTH = 300


class Refused(Exception):
    """The carrier does not take the parcel."""


def check(parcel):
    """Raises Refused for a parcel that is over a limit; at a limit is still fine."""
    if parcel.weight > MAX_WEIGHT:
        raise Refused("too heavy: %.1f kg" % parcel.weight)
    if parcel.sides[0] > MAX_SIDE:
        raise Refused("too long: %d cm" % parcel.sides[0])
    around = girth(parcel)
    if around > MAX_GIRTH:
        raise Refused("too large: %d cm around" % around)
