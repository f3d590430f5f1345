"""Counts the ways across a grid, right and down, around the stones."""


def grid_walks(grid):
    """`grid`: lines of text in which `x` is a stone."""
    width = len(grid[0])
    ways = [0] * width
    ways[0] = 1
    for row in grid:
        for column in range(width):
            if row[column] == "x":
                continue
            elif column > 0:
                ways[column] += ways[column - 1]
    return ways[-1]
