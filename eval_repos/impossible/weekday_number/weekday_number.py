from datetime import date


def weekday_number(year, month, day):
    """1 for Monday to 7 for Sunday."""
    return date(year, month, day).isoweekday()
