def invoice(items):
    """One line an item, and the sum."""
    lines = [f"{name:<10}{price:>8.2f}" for name, price in items]
    return "\n".join([*lines, f"{'total':<10}{sum(price for _, price in items):>8.2f}"]) + "\n"
