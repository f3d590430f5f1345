"""Rows for people."""


def low_stock(ledger, minimums):
    """(item, free, minimum) for each item whose free stock is under its minimum."""
    rows = []
    for item in ledger.items():
        minimum = minimums.get(item, 0)
        free = ledger.free(item)
        if free < minimum:
            rows.append((item, free, minimum))
    return rows


def turnover(ledger, item, since=None):
    """(received, withdrawn) of an item."""
    received = withdrawn = 0
    for movement in ledger.history(item, since):
        if movement.effect > 0:
            received += movement.effect
        else:
            withdrawn -= movement.effect
    return received, withdrawn


def summary(ledger):
    """One line an item: name, stock, free."""
    return "\n".join(
        "%-10s %5d %5d" % (item, ledger.stock(item), ledger.free(item)) for item in ledger.items()
    )
