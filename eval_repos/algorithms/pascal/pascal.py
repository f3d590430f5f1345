"""Pascal's triangle."""


def pascal(rows):
    """The first rows of the triangle, each a list."""
    triangle = []
    for number in range(rows):
        row = [1] * (number + 1)
        for place in range(1, number):
            row[place] = triangle[-1][place - 1] + row[place]
        triangle.append(row)
    return triangle
