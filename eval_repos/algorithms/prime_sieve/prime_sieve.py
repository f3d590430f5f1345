"""Primes by striking out multiples."""


def primes_below(limit):
    """All primes less than `limit`, in order."""
    prime = [True] * limit
    prime[0:2] = [False] * min(2, limit)
    for number in range(2, limit):
        if prime[number]:
            for multiple in range(number + number, limit, number * number):
                prime[multiple] = False
    return [number for number in range(limit) if prime[number]]
