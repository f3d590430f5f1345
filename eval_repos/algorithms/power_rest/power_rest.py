"""Rests of large powers."""


def power_rest(base, exponent, modulus):
    """base ** exponent % modulus by squaring."""
    result = 1 % modulus
    base %= modulus
    while exponent > 0:
        if exponent % 2 == 1:
            result = result * base % modulus
        base = base * result % modulus
        exponent //= 2
    return result
