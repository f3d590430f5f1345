"""Unpacks texts in which repeated letters are counted: `3ab` is `aaab`."""


def unpack(text):
    """A letter without a number stands for itself."""
    result = []
    number = 0
    for character in text:
        if character.isdigit():
            number = int(character)
        else:
            result.append(character * (number or 1))
            number = 0
    return "".join(result)
