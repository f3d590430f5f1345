"""Whether brackets are closed in the order in which they were opened."""

PAIRS = {")": "(", "]": "[", "}": "{"}


def balanced(text):
    """Other characters do not matter."""
    opened = []
    for character in text:
        if character in PAIRS.values():
            opened.append(character)
        elif character in PAIRS:
            if not opened or opened.pop() != PAIRS[character]:
                return False
    return True
