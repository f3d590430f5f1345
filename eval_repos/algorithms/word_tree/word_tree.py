"""A tree of words that share their beginnings."""


class WordTree:
    """A set of words that can be asked for beginnings."""

    def __init__(self, words=()):
        self._below = {}
        self._ends = False
        for word in words:
            self.add(word)

    def add(self, word):
        node = self
        for letter in word:
            node = node._below.setdefault(letter, WordTree())
        node._ends = True

    def _find(self, start):
        node = self
        for letter in start:
            node = node._below.get(letter)
            if node is None:
                return None
        return node

    def __contains__(self, word):
        node = self._find(word)
        return node is not None

    def starting_with(self, start):
        """All words with this beginning, in alphabetical order."""
        node = self._find(start)
        if node is None:
            return []
        found = [start] if node._ends else []
        for letter in sorted(node._below):
            found.extend(self.starting_with(start + letter))
        return found
