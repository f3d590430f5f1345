"""Which size of the family this machine can run, by memory. docs/models.md has the table that this computes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from coder.models.hardware import GIB, Hardware
from coder.models.memory import Shape, needed, periodic

LEAST_CONTEXT = 16_384  # tokens below which a fix is cramped
_SLOW = 6.0  # billions of active parameters above which a processor alone is too slow for an agent


@dataclass(frozen=True)
class Tier:
    """One size of Gemma 4 at four bits: the tag to pull, its size as Ollama lists it (with what it needs for pictures),
    and the shape in its metadata. What an installed model takes is computed from the same: coder.models.memory."""

    tag: str  # as Ollama has it: trained for four bits, which is smaller than the plain tag
    plain: str  # what the tags of this size begin with
    billions: float
    active: float  # billions of parameters a token passes through
    size: int  # bytes
    shape: Shape
    limit: int  # tokens, the model's own
    expect: str  # in a few words

    @property
    def words(self) -> str:
        """As a person says it, such as "Gemma 4 12B"."""
        return f"Gemma 4 {self.plain.partition(':')[2].upper()}"

    def needs(self, tokens: int) -> int:
        """Bytes with a context of `tokens`."""
        return needed(self.size, self.shape, tokens)


def _shape(layers: int, period: int, near: int, full: int, window: int, shared: int = 0) -> Shape:
    """Gemma 4's: each period-th layer looks at everything, with `full` heads of 512, the others have `near` of 256."""
    sliding = periodic(layers, period)
    heads = tuple(near if slides else full for slides in sliding)
    return Shape(layers, heads, 512, 512, window, sliding, 256, 256, shared)


TIERS = (
    Tier(
        "gemma4:e2b-it-qat", "gemma4:e2b", 5.1, 2.3, 4_300_000_000, _shape(35, 5, 1, 1, 512, 20), 131_072,
        "one-line slips; the search does most of it",
    ),
    Tier(
        "gemma4:e4b-it-qat", "gemma4:e4b", 8.0, 4.5, 6_200_000_000, _shape(42, 6, 2, 2, 512, 18), 131_072,
        "small bugs in one file",
    ),
    Tier(
        "gemma4:12b-it-qat", "gemma4:12b", 12.0, 12.0, 8_100_000_000, _shape(48, 6, 8, 1, 1024), 262_144,
        "bugs in one or two files",
    ),
    Tier(
        "gemma4:26b-a4b-it-qat", "gemma4:26b", 25.2, 3.8, 16_000_000_000, _shape(30, 6, 8, 2, 1024), 262_144,
        "bugs across files, quickly; loses its way more often",
    ),
    Tier(
        "gemma4:31b-it-qat", "gemma4:31b", 30.7, 30.7, 19_000_000_000, _shape(60, 6, 16, 4, 1024), 262_144,
        "bugs across files, small features",
    ),
)  # fmt: skip
"""Smallest first."""

CLASSES = (
    ("Raspberry Pi 5, 8 GB", Hardware(8 * GIB, cores=4)),
    ("laptop, 16 GB, no card", Hardware(16 * GIB, cores=8)),
    ("card with 8 GB", Hardware(16 * GIB, card=8 * GIB, cores=8)),
    ("card with 12 GB", Hardware(32 * GIB, card=12 * GIB, cores=8)),
    ("card with 16 GB", Hardware(32 * GIB, card=16 * GIB, cores=8)),
    ("card with 24 GB", Hardware(32 * GIB, card=24 * GIB, cores=16)),
    ("card with 32 GB", Hardware(64 * GIB, card=32 * GIB, cores=16)),
    ("Apple, 16 GB unified", Hardware(16 * GIB, unified=True, cores=8)),
    ("Apple, 24 GB unified", Hardware(24 * GIB, unified=True, cores=10)),
    ("Apple, 36 GB unified", Hardware(36 * GIB, unified=True, cores=12)),
    ("Apple, 64 GB unified", Hardware(64 * GIB, unified=True, cores=16)),
    ("server, 64 GB, no card", Hardware(64 * GIB, cores=32)),
)
"""Kinds of machines, for the table."""


def fits(tier: Tier, hardware: Hardware, tokens: int = LEAST_CONTEXT) -> str:
    """ "" if the machine can run it with a context of `tokens`, else why not."""
    if (needs := tier.needs(tokens)) > hardware.for_model:
        return f"needs {needs / GIB:.1f} GB with {tokens:,} tokens of context; {hardware.for_model / GIB:.1f} are free"
    if tier.active > _SLOW and not hardware.accelerated:
        return f"too slow without a graphics card ({tier.active:g} billion parameters a token)"
    return ""


def best(hardware: Hardware) -> Tier | None:
    """The largest that fits; None where even the smallest does not."""
    return next((tier for tier in reversed(TIERS) if not fits(tier, hardware)), None)


def longest(tier: Tier, hardware: Hardware) -> int:
    """The longest context, in tokens and thousands of them, that fits; 0 if none does."""
    steps = range(1024, tier.limit + 1, 1024)
    return max((tokens for tokens in steps if tier.needs(tokens) <= hardware.for_model), default=0)


def tier_of(name: str) -> Tier | None:
    """The size of the family that a model's name stands for; None for any other model."""
    base = squeezed(name)
    if base in ("gemma4", "gemma4latest"):
        base = "gemma4e4b"
    return next((tier for tier in TIERS if squeezed(tier.plain) in base), None)


def squeezed(name: str) -> str:
    """A model's name in one form for all who write it: `google/gemma-4-E4B` and `gemma4:e4b` are one family."""
    return re.sub(r"[^a-z0-9.]", "", name.rsplit("/", 1)[-1].lower())


def table() -> str:
    """The tiers and the machines as Markdown."""
    rows = ["| model | weights | with 16k | with 64k | expect |", "|---|---|---|---|---|"]
    for tier in TIERS:
        sizes = " | ".join(f"{tier.needs(n) / GIB:.1f} GB" for n in (16_384, 65_536))
        rows.append(f"| `{tier.tag}` | {tier.size / GIB:.1f} GB | {sizes} | {tier.expect} |")
    rows += ["", "| machine | for the model | takes | context at most | not for it |", "|---|---|---|---|---|"]
    for name, hardware in CLASSES:
        rows.append(f"| {name} | {hardware.for_model / GIB:.1f} GB | {' | '.join(_choice(hardware))} |")
    return "\n".join(rows)


def _choice(hardware: Hardware) -> Sequence[str]:
    tier = best(hardware)
    above = TIERS[TIERS.index(tier) + 1 :] if tier is not None else TIERS
    tight = ", ".join(f"`{t.tag}`" for t in above if fits(t, hardware)) or "-"
    if tier is None:
        return "none: the search works without", "-", tight
    return f"`{tier.tag}`", f"{longest(tier, hardware):,}", tight


if __name__ == "__main__":
    print(table())
