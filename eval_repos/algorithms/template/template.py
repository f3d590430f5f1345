"""Fills in templates: `{name}` becomes the value."""


def fill(text, values):
    """KeyError for a name without a value; a brace that is never closed is text."""
    result = []
    place = 0
    while True:
        start = text.find("{", place)
        end = text.find("}", start + 1)
        if start == -1 or end == -1:
            break
        result.append(text[place:start])
        result.append(str(values[text[start + 1 : end]]))
        place = end
    result.append(text[place:])
    return "".join(result)
