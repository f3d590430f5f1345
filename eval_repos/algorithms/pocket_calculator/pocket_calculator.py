"""A calculator for sums and products with brackets."""

import re


class Calculator:
    """Reads one expression."""

    def __init__(self, text):
        self._tokens = re.findall(r"\d+|[-+*/()]", text)
        self._place = 0

    def _peek(self):
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self):
        token = self._peek()
        self._place += 1
        return token

    def sum(self):
        """A product, and others added to it or taken from it."""
        value = self.product()
        while self._peek() in ("+", "-"):
            if self._take() == "+":
                value += self.product()
            else:
                value -= self.product()
        return value

    def product(self):
        value = self.factor()
        while self._peek() in ("*", "/"):
            if self._take() == "*":
                value *= self.factor()
            else:
                value //= self.factor()
        return value

    def factor(self):
        token = self._take()
        if token == "(":
            value = self.product()
            self._take()
            return value
        if token == "-":
            return -self.factor()
        return int(token)


def calculate(text):
    """The value of the expression; division drops the rest."""
    return Calculator(text).sum()
