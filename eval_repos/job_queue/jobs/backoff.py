"""How long to wait before a job is tried again."""


def exponential(first=1.0, factor=2.0, limit=60.0):
    """first, first * factor, first * factor², ... seconds, at most `limit`."""

    def delay(attempts):
        return min(limit, first * factor ** (attempts - 1))

    return delay


def constant(seconds):
    def delay(attempts):
        return seconds

    return delay
