"""Works out postfix expressions, as old pocket calculators did."""

OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def postfix(text):
    """The value of an expression whose parts stand apart. ValueError if it is none."""
    stack = []
    for part in text.split():
        if part in OPERATIONS:
            if len(stack) < 2:
                raise ValueError(f"{part} lacks an operand")
            right = stack.pop()
            left = stack.pop()
            stack.append(OPERATIONS[part](right, left))
        else:
            stack.append(float(part))
    if len(stack) != 1:
        raise ValueError("not one value is left")
    return stack[0]
