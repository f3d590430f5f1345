"""Splits a line of comma-separated values, quotes included."""


def fields(line):
    """The fields; in quotes a comma is a comma, and two quotes are one."""
    found = []
    current = ""
    quoted = False
    place = 0
    while place < len(line):
        character = line[place]
        if quoted and character == '"' and line[place + 1 : place + 2] == '"':
            current += '"'
            place += 1
        elif character == '"':
            quoted = not quoted
        elif character == ",":
            found.append(current)
            current = ""
        else:
            current += character
        place += 1
    found.append(current)
    return found
