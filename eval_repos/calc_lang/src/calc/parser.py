"""Tokens to a tree, by precedence climbing."""

from . import tree
from .errors import CalcError
from .tokens import tokenize

PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2, "**": 4}
NEGATE = 3
RIGHT = {"**"}


class Parser:
    """One expression or assignment."""

    def __init__(self, text):
        self.tokens = tokenize(text)
        self.index = 0

    @property
    def token(self):
        return self.tokens[self.index]

    def parse(self):
        """The whole text; anything left over is an error."""
        if self.token.kind == "name" and self.tokens[self.index + 1].text == "=":
            name = self.advance().text
            self.advance()
            node = tree.Assign(name, self.expression(1))
        else:
            node = self.expression(1)
        if self.token.kind != "end":
            raise CalcError("unexpected %r" % self.token.text, self.token.position)
        return node

    def expression(self, minimum):
        node = self.operand()
        while PRECEDENCE.get(self.token.text, 0) >= minimum:
            symbol = self.advance().text
            level = PRECEDENCE[symbol]
            right = self.expression(level if symbol in RIGHT else level + 1)
            node = tree.Binary(symbol, node, right)
        return node

    def operand(self):
        token = self.advance()
        if token.kind == "number":
            return tree.Number(float(token.text))
        if token.kind == "name":
            if self.token.text == "(":
                return tree.Call(token.text, self.arguments())
            return tree.Name(token.text)
        if token.text == "-":
            return tree.Negate(self.expression(NEGATE))
        if token.text == "(":
            node = self.expression(1)
            self.expect(")")
            return node
        raise CalcError("expected a value", token.position)

    def arguments(self):
        self.expect("(")
        found = []
        while self.token.text != ")":
            found.append(self.expression(1))
            if self.token.text != ",":
                break
            self.advance()
        self.expect(")")
        return tuple(found)

    def advance(self):
        token = self.token
        if token.kind != "end":
            self.index += 1
        return token

    def expect(self, text):
        if self.token.text != text:
            raise CalcError("expected %r" % text, self.token.position)
        self.advance()
