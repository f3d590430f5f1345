def sentence_case(text):
    """A capital letter at the beginning, small ones after it."""
    return text[:1].upper() + text[1:].lower()
