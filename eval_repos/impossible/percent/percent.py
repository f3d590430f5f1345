def percent(part, whole):
    """A share in whole percent; 0 of nothing."""
    return round(100 * part / whole) if whole else 0
