"""Values that a function is called with and gives back: as words that can be compared, as source, and varied."""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import re
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

ATOMS = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis))
NAMED = (type, FunctionType, BuiltinFunctionType, MethodType, ModuleType)
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
SHOWN = 200  # characters of a value for a reader
NODES = 3000  # parts of a value that are looked at
ITEMS = 100  # taken from an iterator
LONGEST = 1000  # items or characters of a varied value


class Picture:
    """A value in words, the same for equal values of equal types in any process."""

    def __init__(self, value: Any) -> None:
        self._left = NODES
        self._above: List[int] = []
        text = self._of(value)
        self.mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        self.text = text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."

    def _of(self, value: Any) -> str:
        self._left -= 1
        if self._left < 0 or id(value) in self._above or len(self._above) > 50:
            return "..."
        kind = type(value)
        if kind in ATOMS:
            return repr(value)
        if isinstance(value, NAMED):
            return str(getattr(value, "__qualname__", getattr(value, "__name__", kind.__name__)))
        self._above.append(id(value))
        try:
            return self._built(value, kind)
        except Exception as error:  # its own methods are the target's code
            return f"<{kind.__name__} that raises {type(error).__name__}>"
        finally:
            self._above.pop()

    def _built(self, value: Any, kind: type) -> str:
        name = "" if kind in (list, tuple, dict, set, frozenset) else kind.__name__
        if isinstance(value, dict):
            text = "{" + ", ".join(f"{self._of(k)}: {self._of(v)}" for k, v in value.items()) + "}"
        elif isinstance(value, (set, frozenset)):
            text = "{" + ", ".join(sorted(map(self._of, value))) + "}"
            name = name or ("" if kind is set and value else kind.__name__)
        elif isinstance(value, list):
            text = "[" + ", ".join(map(self._of, value)) + "]"
        elif isinstance(value, tuple):
            text = "(" + ", ".join(map(self._of, value)) + ("," if len(value) == 1 else "") + ")"
        elif getattr(kind, "__repr__", None) is object.__repr__ and hasattr(value, "__dict__"):
            return kind.__name__ + "(" + ", ".join(f"{k}={self._of(v)}" for k, v in vars(value).items()) + ")"
        else:
            return ADDRESS.sub("", repr(value))
        return f"{name}({text})" if name else text


def source(value: Any) -> Optional[str]:
    """An expression that gives the value, None if a literal cannot."""
    kind = type(value)
    if kind in (float, complex) and not (math.isfinite(abs(value))):
        return None
    if kind in ATOMS:
        return repr(value)
    if kind is dict:
        pairs = [(source(k), source(v)) for k, v in value.items()]
        return None if any(None in pair for pair in pairs) else "{" + ", ".join(f"{k}: {v}" for k, v in pairs) + "}"
    if kind not in (list, tuple, set) or (kind is set and not value):
        return None
    parts = [source(item) for item in value]
    if None in parts:
        return None
    inner = ", ".join(sorted(map(str, parts)) if kind is set else map(str, parts))
    if kind is list:
        return f"[{inner}]"
    return f"{{{inner}}}" if kind is set else f"({inner}{',' if len(parts) == 1 else ''})"


class iterator(list):  # type: ignore[type-arg]  # shown by this name
    """What an iterator gives, up to a limit."""


def settled(result: Any) -> Any:
    """The result of a call; of an iterator or a coroutine, what it gives."""
    if isinstance(result, Iterator):
        return iterator(itertools.islice(result, ITEMS))
    if hasattr(result, "__await__") and hasattr(result, "send"):
        import asyncio

        return asyncio.run(result)
    return result


def can_vary(value: Any) -> bool:
    """Whether `vary` knows neighbours of this value."""
    return type(value) in (bool, int, float, str, bytes, list, tuple, dict, set)


def vary(value: Any, rng: random.Random) -> Any:
    """A neighbour of a value: one step, one item, one character away; often an edge."""
    kind = type(value)
    if kind is bool:
        return not value
    if kind is int:
        return rng.choice((value + 1, value - 1, 0, 1, -value, value * 2, value + 10, value // 2))
    if kind is float:
        return rng.choice((value + 1, value - 0.5, 0.0, -value, value * 2, value / 3))
    if kind is str:
        return _varied_text(value, rng)
    if kind is bytes:
        return rng.choice((b"", value[:-1], value[1:], value + value[:1]))
    if kind in (list, tuple):
        return kind(_varied_items(list(value), rng))
    if kind is dict:
        return dict(_varied_pairs(list(value.items()), rng))
    if kind is set:
        return set(_varied_items(sorted(value, key=repr), rng))
    return value


def _varied_text(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    step: Sequence[Callable[[], str]] = (
        lambda: text[:at] + text[at + 1 :],
        lambda: text[:at] + text[at : at + 1] * 2 + text[at + 1 :],
        lambda: text[:at] + rng.choice(" aZ0-_.,\n") + text[at:],
        lambda: text[:at] + text[at : at + 1].swapcase() + text[at + 1 :],
        lambda: text[::-1],
        lambda: text + text,
        lambda: "",
    )
    return rng.choice(step)()[:LONGEST]


def _varied_items(items: List[Any], rng: random.Random) -> List[Any]:
    if not items:
        return items
    at = rng.randrange(len(items))
    step: Sequence[Callable[[], List[Any]]] = (
        lambda: items[:at] + items[at + 1 :],
        lambda: [*items[:at], items[at], *items[at:]],
        lambda: [*items[:at], vary(items[at], rng), *items[at + 1 :]],
        lambda: [*items[:at], vary(items[at], rng), *items[at + 1 :]],
        lambda: items[::-1],
        lambda: items[at:] + items[:at],
        list,
    )
    return rng.choice(step)()[:LONGEST]


def _varied_pairs(pairs: List[Tuple[Any, Any]], rng: random.Random) -> List[Tuple[Any, Any]]:
    if not pairs:
        return pairs
    at = rng.randrange(len(pairs))
    key, value = pairs[at]
    step: Sequence[Callable[[], List[Tuple[Any, Any]]]] = (
        lambda: pairs[:at] + pairs[at + 1 :],
        lambda: [*pairs[:at], (key, vary(value, rng)), *pairs[at + 1 :]],
        lambda: [*pairs[:at], (vary(key, rng), value), *pairs[at + 1 :]],
        lambda: pairs[::-1],
        list,
    )
    return rng.choice(step)()


Arguments = Dict[str, Any]  # by parameter, as the frame of a call has them
