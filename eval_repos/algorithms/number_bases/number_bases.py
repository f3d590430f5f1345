"""Writes numbers in other bases."""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def in_base(number, base):
    """The number as text in base 2 to 36."""
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    number = abs(number)
    digits = []
    while number:
        number, rest = divmod(number, base)
        digits.append(DIGITS[rest])
    return sign + "".join(digits)
