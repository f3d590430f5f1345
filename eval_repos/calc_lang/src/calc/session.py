"""Several lines that share variables."""

from . import evaluate, tree
from .errors import CalcError
from .parser import Parser


class Session:
    """`ans` is always the last result."""

    def __init__(self, **names):
        self.names = dict(names)

    def run(self, line):
        """The value of one line, None for an empty one or a comment."""
        code = line.partition("#")[0]
        if not code.strip():
            return None
        value = evaluate.evaluate(Parser(code).parse(), self.names)
        self.names["ans"] = value
        return value

    def percent(self, part, whole):
        """Both as expressions: how many percent of the whole the part is."""
        numerator = self.run(part)
        denominator = self.run(whole)
        if denominator == 0:
            raise CalcError("a share of nothing")
        return evaluate.share(denominator, numerator)

    def table(self, expression, name, values):
        """The expression for each value of a variable, which is as before afterwards."""
        node = Parser(expression).parse()
        if isinstance(node, tree.Assign):
            raise CalcError("an assignment has no table")
        return [evaluate.evaluate(node, {**self.names, name: value}) for value in values]


def calculate(text, **names):
    """The value of the last line of a text."""
    session = Session(**names)
    value = None
    for line in text.splitlines():
        result = session.run(line)
        value = value if result is None else result
    return value
