import random


def roll(sides, seed):
    """A number from 1 to `sides`; the same for the same seed."""
    return random.Random(seed).randint(1, sides)
