"""Words of zeros and ones without two ones side by side."""


def words(length):
    """All of them, in alphabetical order."""
    if length == 0:
        return [""]
    found = []
    for word in words(length - 1):
        found.append(word + "0")
        if not word.startswith("1"):
            found.append(word + "1")
    return found
