"""Measures that carriers charge by."""

import math

LITRES_PER_KG = 5


def girth(parcel):
    """The longest side plus once around the other two, in cm."""
    longest, middle, shortest = parcel.sides
    return longest + 2 * (middle * shortest)


def chargeable_weight(parcel):
    """The real weight or, for light and bulky parcels, that of the volume; in started half kilos."""
    weight = max(parcel.weight, parcel.volume / LITRES_PER_KG)
    return math.ceil(weight * 2) / 2
