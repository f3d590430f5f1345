"""Where to cut a rod so that its pieces bring the most."""


def best_price(prices, length):
    """The most that the pieces bring. `prices[n - 1]` is what a piece of length n brings."""
    best = [0]
    for total in range(1, length + 1):
        longest = min(total, len(prices))
        best.append(max(prices[piece - 1] + best[length - piece] for piece in range(1, longest + 1)))
    return best[length]
