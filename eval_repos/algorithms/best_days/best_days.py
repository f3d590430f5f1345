"""The best run of days of a shop."""


def best_days(profits):
    """The largest sum of neighbouring days; 0 where every day lost money."""
    best = here = 0
    for profit in profits:
        here = max(0, best + profit)
        best = max(best, here)
    return best
