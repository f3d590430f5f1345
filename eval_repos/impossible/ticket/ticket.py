import secrets


def ticket():
    """A number that nobody can guess."""
    return secrets.token_hex(8)
