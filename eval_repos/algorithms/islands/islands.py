"""Counts the islands of a map: land that hangs together by its sides."""


def count_islands(rows):
    """`rows`: lines of text in which `#` is land."""
    land = {(r, c) for r, row in enumerate(rows) for c, field in enumerate(row) if field == "#"}
    count = 0
    while land:
        count += 1
        shore = [land.pop()]
        while shore:
            r, c = shore.pop()
            for near in ((r + 1, c), (r - 1, c), (r, c + 1), (c, r - 1)):
                if near in land:
                    land.remove(near)
                    shore.append(near)
    return count
