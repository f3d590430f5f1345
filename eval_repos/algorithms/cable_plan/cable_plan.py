"""The shortest set of cables that connects all houses."""


def cable_plan(cables):
    """Cables (length, house, house) that connect all houses at the least length; shorter first."""
    root = {}

    def find(house):
        while root.setdefault(house, house) != house:
            house = root[house]
        return house

    plan = []
    for length, one, other in sorted(cables):
        first, second = find(one), find(other)
        if first != second:
            root[one] = second
            plan.append((length, one, other))
    return plan
