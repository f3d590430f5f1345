from urllib.request import urlopen


def rate(currency):
    """What one unit costs in euros today."""
    with urlopen(f"http://rates.invalid/{currency}", timeout=2) as answer:
        return float(answer.read())


def convert(amount, price):
    """An amount at a price, in whole cents."""
    return round(amount * price, 2)
