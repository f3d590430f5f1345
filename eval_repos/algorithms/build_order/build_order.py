"""In which order parts are to be built so that each comes after those it needs."""


def build_order(needs):
    """Parts in an order that works, those that are free at the same time by name. ValueError for a circle."""
    left = {part: set(required) for part, required in needs.items()}
    for required in needs.values():
        for part in required:
            left.setdefault(part, set())
    order = []
    while left:
        free = sorted(part for part, required in left.items() if not required)
        if not free:
            raise ValueError("the parts need each other")
        order.extend(free)
        for part in free:
            del left[part]
        for required in left.values():
            required.intersection_update(free)
    return order
