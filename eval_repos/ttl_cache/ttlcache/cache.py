"""The cache."""

from collections import OrderedDict

from .clock import SystemClock
from .stats import Stats

_MISSING = object()


class Cache:
    """Holds at most `size` entries, each for at most `ttl` seconds.

    When it is full, the entry that was not used for the longest time leaves. Reading with `get`
    and writing with `put` are uses; `peek` and `in` are not.
    """

    def __init__(self, size, ttl=None, clock=None):
        if size < 1:
            raise ValueError("a cache holds at least one entry")
        self.size = size
        self.ttl = ttl
        self.stats = Stats()
        self._clock = clock or SystemClock()
        self._entries = OrderedDict()

    def put(self, key, value, ttl=None):
        """Store a value; `ttl` overrides that of the cache for this entry."""
        lifetime = self.ttl if ttl is None else ttl
        expires = None if lifetime is None else self._clock.now() + lifetime
        self._entries[key] = (value, expires)
        self._entries.move_to_end(key)
        self._shrink()

    def get(self, key, default=None):
        """The value, or the default if it is not there or too old."""
        value = self.peek(key, _MISSING)
        if value is _MISSING:
            self.stats.misses += 1
            return default
        self.stats.hits += 1
        return value

    def peek(self, key, default=None):
        """Like get, but it is no use and is not counted."""
        if key not in self._entries:
            return default
        value, expires = self._entries[key]
        if expires is not None and self._clock.now() >= expires:
            del self._entries[key]
            self.stats.expired += 1
            return default
        return value

    def discard(self, key):
        """True if it was there."""
        return self._entries.pop(key, None) is not None

    def purge(self):
        """Drop everything that is too old and say how much that was."""
        before = len(self._entries)
        for key in list(self._entries):
            self.peek(key)
        return before - len(self._entries)

    def clear(self):
        self._entries.clear()

    def keys(self):
        """The live keys, the one that would leave first in front."""
        self.purge()
        return list(self._entries)

    def __contains__(self, key):
        return self.peek(key, _MISSING) is not _MISSING

    def __len__(self):
        self.purge()
        return len(self._entries)

    def _shrink(self):
        if len(self._entries) <= self.size:
            return
        self.purge()
        while len(self._entries) > self.size:
            self._entries.popitem(last=False)
            self.stats.evicted += 1
