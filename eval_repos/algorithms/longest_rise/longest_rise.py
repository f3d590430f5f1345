"""The longest run of rising values, others left out."""


def longest_rise(values):
    """Length of the longest strictly rising subsequence."""
    best = []
    for i, value in enumerate(values):
        before = [best[j] for j in range(i) if values[j] <= value]
        best.append(1 + max(before, default=0))
    return max(best, default=0)
