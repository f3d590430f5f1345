"""The whole part of a square root."""


def whole_root(number):
    """The largest whole number whose square is not more than `number`. ValueError below zero."""
    if number < 0:
        raise ValueError("no root of a negative number")
    if number < 2:
        return number
    guess = number
    better = (guess + 1) // 2
    while better < guess:
        guess = better
        better = (guess + number) // guess // 2
    return guess
