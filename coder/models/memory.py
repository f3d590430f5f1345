"""The memory a model takes: its weights, and the cache of its context by its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OVERHEAD = 600 << 20  # bytes a server's graph and buffers take beside weights and cache
LEAST = 8_192  # tokens that must fit beside the weights, or the model is too tight
_BYTES = 2  # of a value in the cache, as servers keep it unless told otherwise
STEPS = (262_144, 131_072, 65_536, 32_768, 16_384, 8_192, 4_096)  # context sizes that are asked for
_HEADS, _PATTERN = "attention.head_count_kv", "attention.sliding_window_pattern"


@dataclass(frozen=True)
class Shape:
    """What of a model's architecture its context cache depends on."""

    layers: int
    kv_heads: tuple[int, ...]  # of each layer, or one figure for all
    key: int  # values a head keeps as key for a token
    value: int
    window: int = 0  # tokens a layer with a sliding window looks back; 0: there are none
    sliding: tuple[bool, ...] = ()  # of each layer, whether it has one; empty: none has
    near_key: int = 0  # key and value of the layers with a window, where they are others
    near_value: int = 0
    shared: int = 0  # layers at the end that use an earlier one's cache and keep none

    def cache(self, tokens: int) -> int:
        """Bytes of the context cache for `tokens`: keys and values of each layer, no more than its window's.

        2 * layers * kv_heads * head_dim * tokens * bytes for equal key and value sizes, as in Shazeer's
        "Fast Transformer Decoding" (2019).
        """
        full, near = self.key + self.value, (self.near_key or self.key) + (self.near_value or self.value)
        total = 0
        for layer in range(self.layers - self.shared):
            heads = self.kv_heads[layer % len(self.kv_heads)]
            slides = bool(self.window and self.sliding and self.sliding[layer])
            total += heads * (near * min(tokens, self.window) if slides else full * tokens)
        return total * _BYTES


def periodic(layers: int, period: int) -> tuple[bool, ...]:
    """Which layers have a window where each period-th looks at everything; a period of 0 or 1: none has."""
    return tuple(layer % period < period - 1 for layer in range(layers)) if period > 1 else ()


def elided(info: Mapping[str, Any]) -> bool:
    """Whether lists that the shape depends on were left out of a GGUF file's metadata, as Ollama does unless asked."""
    return any(key.endswith((f".{_HEADS}", f".{_PATTERN}")) and value in (None, []) for key, value in info.items())


def shape_of(info: Mapping[str, Any]) -> Shape | None:
    """The shape in a GGUF file's metadata as servers report it; None where it does not say enough."""
    found = {key.split(".", 1)[1]: value for key, value in info.items() if "." in key}
    layers, heads = found.get("block_count"), found.get(_HEADS)
    width, all_heads = found.get("embedding_length"), found.get("attention.head_count")
    if not isinstance(layers, int) or not heads or layers < 1 or elided(info):
        return None
    guess = width // all_heads if isinstance(width, int) and isinstance(all_heads, int) and all_heads else 0
    key = int(found.get("attention.key_length") or guess)
    value = int(found.get("attention.value_length") or key)
    kv_heads = tuple(heads) if isinstance(heads, list) else (int(heads),)
    pattern = found.get(_PATTERN)
    # A list says of each layer whether it has a window; a number that each so-manieth has none.
    sliding = tuple(map(bool, pattern)) if isinstance(pattern, list) else periodic(layers, int(pattern or 0))
    if not key or len(kv_heads) not in (1, layers) or len(sliding) not in (0, layers):
        return None
    near_key = int(found.get("attention.key_length_swa") or 0)
    near_value = int(found.get("attention.value_length_swa") or 0)
    shared = min(layers, int(found.get("attention.shared_kv_layers") or 0))
    window = int(found.get("attention.sliding_window") or 0)
    return Shape(layers, kv_heads, key, value, window, sliding if window else (), near_key, near_value, shared)


def needed(weights: int, shape: Shape | None, tokens: int) -> int:
    """Bytes for a model with a context of `tokens`; without a shape the cache is taken as a tenth of the weights
    for each 8,192 tokens, which is on the safe side for the families here."""
    cache = shape.cache(tokens) if shape is not None else weights // 10 * tokens // 8_192
    return weights + cache + OVERHEAD


def context_for(limit: int, wanted: int, weights: int, shape: Shape | None, memory: int, spilled: int = 0) -> int:
    """The context to ask for: as wanted, within the model's own limit and what the memory holds.

    `limit` and `memory` may be 0 where they are not known. `spilled`: the bytes there are with the machine's own
    memory, for a model that the graphics card does not hold alone. At least 4,096, or the model's own limit.
    """
    top = min(wanted, limit) if limit else wanted
    if not memory or not weights:
        return top
    if needed(weights, shape, min(top, LEAST)) > memory:
        memory = max(memory, spilled)
    fitting = (size for size in (top, *(s for s in STEPS if s < top)) if needed(weights, shape, size) <= memory)
    return next(fitting, min(top, STEPS[-1]))
