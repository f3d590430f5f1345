"""What can be wrong with a program."""


class CalcError(Exception):
    """`position` is the index of the character at which it was noticed, None at run time."""

    def __init__(self, message, position=None):
        super().__init__(message if position is None else "%s (at %d)" % (message, position))
        self.position = position
