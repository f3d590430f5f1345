def clamp(value, low, high):
    """The value, or the end of the range that it lies beyond."""
    return max(low, min(value, high))
