"""A cache bounded in size and in time."""

from .cache import Cache
from .memo import memoize

__all__ = ["Cache", "memoize"]
