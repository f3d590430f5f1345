"""A binary search tree."""


class Node:
    def __init__(self, key):
        self.key = key
        self.left = None
        self.right = None


class SearchTree:
    """A set of keys that can be compared."""

    def __init__(self, keys=()):
        self._root = None
        for key in keys:
            self.add(key)

    def add(self, key):
        """Put a key in; one that is there already is not put in again."""
        if self._root is None:
            self._root = Node(key)
            return
        node = self._root
        while node.key != key:
            side = "left" if key < node.key else "right"
            below = getattr(node, side)
            if below is None:
                below = Node(key)
                setattr(node, side, below)
            node = below

    def __contains__(self, key):
        node = self._root
        while node is not None and node.key != key:
            node = node.left if key < node.key else node.right
        return node is not None

    def __iter__(self):
        """The keys in order."""
        path = []
        node = self._root
        while path or node is not None:
            while node is not None:
                path.append(node)
                node = node.left
            node = path.pop()
            yield node.key
            node = node.left

    def height(self, node=None):
        """Levels of the tree."""
        start = node or self._root
        if start is None:
            return 0
        below = [self.height(child) for child in (start.left, start.right) if child is not None]
        return 1 + max(below, default=0)
