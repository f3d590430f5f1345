"""Where it goes."""

HOME = "DE"
NEIGHBOURS = frozenset(["AT", "BE", "CH", "CZ", "DK", "FR", "LU", "NL", "PL"])
OUTSIDE_CUSTOMS_UNION = frozenset(["CH", "GB", "NO"])


def zone(country):
    """0 at home, 1 next door, 2 elsewhere. Raises ValueError for what is no country code."""
    code = country.strip().upper()
    if len(code) != 2 or not code.isalpha():
        raise ValueError("not a country code: %r" % country)
    if code == HOME:
        return 0
    return 1 if code in NEIGHBOURS else 2


def needs_customs_form(country):
    return country.strip().upper() in OUTSIDE_CUSTOMS_UNION
