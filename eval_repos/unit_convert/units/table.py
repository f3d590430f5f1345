"""Units: kind, and factor to the base unit of the kind."""

UNITS = {
    "mm": ("length", 0.001),
    "cm": ("length", 0.01),
    "m": ("length", 1.0),
    "km": ("length", 1000.0),
    "in": ("length", 0.0254),
    "ft": ("length", 0.3048),
    "g": ("mass", 0.001),
    "kg": ("mass", 1.0),
    "t": ("mass", 1000.0),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
}


class UnknownUnit(ValueError):
    """No such unit."""


def lookup(unit):
    """(kind, factor). Raises UnknownUnit."""
    if unit not in UNITS:
        raise UnknownUnit("unknown unit: %s" % unit)
    return UNITS[unit]


def of_kind(kind):
    """Units of one kind, smallest first."""
    found = [(factor, unit) for unit, (its_kind, factor) in UNITS.items() if its_kind == kind]
    return [unit for _, unit in sorted(found)]
