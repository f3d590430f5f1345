"""Times of the day as text."""

DAY = 24 * 60


def parse(text):
    """Minutes since midnight of "HH:MM"; "24:00" is the end of the day. Raises ValueError."""
    hours, colon, minutes = text.strip().partition(":")
    if not colon or not (hours.isdigit() and minutes.isdigit()) or len(minutes) != 2:
        raise ValueError("not a time: %r" % text)
    value = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or value > DAY:
        raise ValueError("not a time: %r" % text)
    return value


def show(minutes):
    return "%02d:%02d" % divmod(minutes, 60)


def span(text):
    """(start, end) of "HH:MM-HH:MM"."""
    first, _, last = text.partition("-")
    return parse(first), parse(last)
