"""Groups of things that are said to be equal, step by step."""


class Groups:
    """A disjoint-set forest with path compression and union by size."""

    def __init__(self, things):
        self._above = {thing: thing for thing in things}
        self._size = {thing: 1 for thing in things}
        self.count = len(self._above)

    def find(self, thing):
        """The thing that stands for the group."""
        root = thing
        while self._above[root] != root:
            root = self._above[root]
        while self._above[thing] != root:
            self._above[thing], thing = root, self._above[thing]
        return root

    def join(self, one, other):
        """Make two groups one. False if they were one already."""
        one, other = self.find(one), self.find(other)
        if one == other:
            return False
        if self._size[one] < self._size[other]:
            one, other = other, one
        self._above[other] = one
        self._size[one] += 1
        self.count -= 1
        return True

    def size(self, thing):
        return self._size[self.find(thing)]
