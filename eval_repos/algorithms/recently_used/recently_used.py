"""A cache that forgets what was not used for longest."""


class RecentlyUsed:
    """Holds at most `size` entries."""

    def __init__(self, size):
        self._size = size
        self._entries = {}

    def get(self, key, default=None):
        """The value; reading counts as use."""
        if key not in self._entries:
            return default
        value = self._entries.pop(key)
        self._entries[key] = value
        return value

    def put(self, key, value):
        self._entries[key] = value
        if len(self._entries) > self._size:
            oldest = next(iter(self._entries))
            del self._entries[oldest]

    def __len__(self):
        return len(self._entries)
