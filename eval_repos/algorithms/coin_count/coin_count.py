"""Change with the fewest coins."""


def coin_count(coins, amount):
    """Fewest coins that make up the amount; None if they cannot."""
    fewest = [0] + [None] * amount
    for total in range(1, amount + 1):
        options = [fewest[total - coin] for coin in coins if coin <= total]
        options = [count for count in options if count]
        if options:
            fewest[total] = min(options) + 1
    return fewest[amount]
