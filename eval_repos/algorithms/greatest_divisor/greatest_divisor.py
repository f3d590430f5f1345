"""The greatest common divisor."""


def greatest_divisor(a, b):
    """Of two whole numbers; that of zero and n is n."""
    while b:
        a, b = b, a // b
    return abs(a)
