def initials(name):
    """The first letters of a name's words."""
    return "".join(word[0] for word in name.split()).upper()
