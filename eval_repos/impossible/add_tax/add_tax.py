def add_tax(price, percent):
    """The price with its tax, in whole cents."""
    return price + price * percent // 100
