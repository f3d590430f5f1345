"""A decorator that remembers results."""

import functools

from .cache import Cache

_MISSING = object()


def memoize(size=128, ttl=None, clock=None):
    """Remember the results of a function by its arguments, which must be hashable."""

    def decorate(function):
        cache = Cache(size, ttl, clock)

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            key = make_key(args, kwargs)
            value = cache.get(key, _MISSING)
            if value is _MISSING:
                value = function(*args, **kwargs)
                cache.put(key, value)
            return value

        wrapper.cache = cache
        return wrapper

    return decorate


def make_key(args, kwargs):
    """The same for every order of the keyword arguments."""
    return args + (_MISSING,) + tuple(sorted(kwargs.items()))
