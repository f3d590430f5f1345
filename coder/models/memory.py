"""The memory a model takes: its weights, and the cache of its context by its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OVERHEAD = 600 << 20  # bytes a server's graph and buffers take beside weights and cache
_BYTES = 2  # of a value in the cache, as servers keep it unless told otherwise
STEPS = (262_144, 131_072, 65_536, 32_768, 16_384, 8_192, 4_096)  # context sizes that are asked for


@dataclass(frozen=True)
class Shape:
    """What of a model's architecture its context cache depends on."""

    layers: int
    kv_heads: tuple[int, ...]  # of each layer, or one figure for all
    key: int  # values a head keeps as key for a token
    value: int
    window: int = 0  # tokens a layer with a sliding window looks back; 0: there are none
    sliding: int = 0  # layers that have one

    def cache(self, tokens: int) -> int:
        """Bytes of the context cache for `tokens`: keys and values of each layer, no more than its window's.

        2 * layers * kv_heads * head_dim * tokens * bytes for equal key and value sizes, as in Shazeer's
        "Fast Transformer Decoding" (2019).
        """
        heads = self.kv_heads * self.layers if len(self.kv_heads) == 1 else self.kv_heads
        per_token = [h * (self.key + self.value) * _BYTES for h in heads]
        full, near = per_token[: self.layers - self.sliding], per_token[self.layers - self.sliding :]
        return sum(full) * tokens + sum(near) * min(tokens, self.window or tokens)


def shape_of(info: Mapping[str, Any]) -> Shape | None:
    """The shape in a GGUF file's metadata as servers report it; None where it does not say enough."""
    found = {key.split(".", 1)[1]: value for key, value in info.items() if "." in key}
    layers, heads = found.get("block_count"), found.get("attention.head_count_kv")
    width, all_heads = found.get("embedding_length"), found.get("attention.head_count")
    if not isinstance(layers, int) or not heads or layers < 1:
        return None
    guess = width // all_heads if isinstance(width, int) and isinstance(all_heads, int) and all_heads else 0
    key = int(found.get("attention.key_length") or guess)
    value = int(found.get("attention.value_length") or key)
    kv_heads = tuple(heads) if isinstance(heads, list) else (int(heads),)
    if not key or len(kv_heads) not in (1, layers):
        return None
    window = int(found.get("attention.sliding_window") or 0)
    pattern = found.get("attention.sliding_window_pattern")
    sliding = 0
    if window and isinstance(pattern, list):
        sliding = sum(map(bool, pattern))
    elif window and isinstance(pattern, int) and pattern > 1:  # every pattern-th layer looks at everything
        sliding = layers - layers // pattern
    return Shape(layers, kv_heads, key, value, window, sliding)


def needed(weights: int, shape: Shape | None, tokens: int) -> int:
    """Bytes for a model with a context of `tokens`; without a shape the cache is taken as a tenth of the weights
    for each 8,192 tokens, which is on the safe side for the families here."""
    cache = shape.cache(tokens) if shape is not None else weights // 10 * tokens // 8_192
    return weights + cache + OVERHEAD


def context_for(limit: int, wanted: int, weights: int, shape: Shape | None, memory: int) -> int:
    """The context to ask for: as wanted, within the model's own limit and what the memory holds.

    `limit` and `memory` may be 0 where they are not known. At least 4,096, or the model's own limit.
    """
    top = min(wanted, limit) if limit else wanted
    if not memory or not weights:
        return top
    fitting = (size for size in (top, *(s for s in STEPS if s < top)) if needed(weights, shape, size) <= memory)
    return next(fitting, min(top, STEPS[-1]))
