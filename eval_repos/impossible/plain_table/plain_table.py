def plain_table(rows):
    """Rows of cells, a line each, with a bar between them."""
    return "\n".join(" | ".join(map(str, row)) for row in rows)
