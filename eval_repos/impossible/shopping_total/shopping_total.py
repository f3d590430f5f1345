def total(prices, voucher=0):
    """What is to be paid, never less than nothing."""
    return max(0, sum(prices) - voucher)
