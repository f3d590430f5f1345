"""Widths and alignments of columns, computed from the rows."""

from .cells import is_number, width


def column_widths(header, rows, limit=None):
    """The widest cell of each column, at most `limit`."""
    widths = [width(title) for title in header]
    for row in rows:
        for index, text in enumerate(row):
            widths[index] = max(widths[index], width(text))
    if limit is not None:
        widths = [min(columns, limit) for columns in widths]
    return widths


def guess_alignment(values):
    """Numbers stand on the right, everything else on the left; empty cells do not count."""
    seen = [value for value in values if value is not None]
    if seen and all(is_number(value) for value in seen):
        return "right"
    return "left"


def shrink(widths, total, minimum=3):
    """Narrow the widest columns, one by one, until the sum fits into `total`."""
    widths = list(widths)
    while sum(widths) > total:
        widest = max(widths)
        if widest <= minimum:
            break
        widths[widths.index(widest)] -= 1
    return widths
