"""The longest text that two texts have in common, letters left out."""


def common_part(one, other):
    """One longest common subsequence, as a string."""
    table = [[""] * (len(other) + 1) for _ in range(len(one) + 1)]
    for i, letter in enumerate(one):
        for j, fellow in enumerate(other):
            if letter == fellow:
                table[i + 1][j + 1] = table[i][j] + letter
            else:
                table[i + 1][j + 1] = max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]
