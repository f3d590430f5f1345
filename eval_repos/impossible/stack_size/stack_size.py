class Stack:
    """Last in, first out."""

    def __init__(self):
        self._items = []

    def push(self, item):
        self._items.append(item)

    def pop(self):
        """The last item. IndexError if there is none."""
        return self._items.pop()

    def __len__(self):
        return len(self._items)
