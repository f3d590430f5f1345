"""Two prices that together use up a voucher."""


def pair_sum(prices, voucher):
    """Indexes of two of the sorted prices with that sum, or None."""
    left, right = 0, len(prices) - 1
    while left < right:
        total = prices[left] + prices[right]
        if total == voucher:
            return left, right
        if total < voucher:
            left += 1
        else:
            left -= 1
    return None
