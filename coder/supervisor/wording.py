"""Texts made comparable: observations by their lines, thoughts by their terms and shingles. No model is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32


def word_set(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


_MOST_LINES = 600  # of one observation that are looked at
_PLACE = re.compile(r"^\s*(?:[\w./+-]*\w\.\w+[:-])?(?:\d+\s*[:|\t-])?\s?(?=\S)")  # path:12: or 12| or 12 and a tab
_NUMBERED = re.compile(r"^\s*(\d+)\s*(?:[|:\t]|\s|$)")
_NOISE = re.compile(
    r"\b0x[0-9a-f]+\b|\b\d+(?:\.\d+)?\s?(?:ms|s|sec|secs|seconds)\b|\b\d{4}-\d\d-\d\d[T ][\d:.]+Z?\b|\b\d\d:\d\d:\d\d\b"
)
_BARE = re.compile(r"[\W_]*")
_RUN_FRAME = re.compile(r"</?(?:returncode|output|exception|stdout|stderr)>")


def lines_of(text: str) -> list[int]:
    """A hash for each line that says something: what a reader adds (path, number, time, a heading) does not count."""
    hashes = []
    lines = [line for line in _RUN_FRAME.sub(" ", text).splitlines()[:_MOST_LINES] if line.strip()]
    numbered = [line for line in lines if _NUMBERED.match(line)]
    for line in numbered if 2 * len(numbered) > len(lines) else lines:
        plain = " ".join(_NOISE.sub("~", _PLACE.sub("", line, count=1)).split())
        if len(plain) > 2 and not _BARE.fullmatch(plain):
            hashes.append(crc32(plain.encode("utf-8", "surrogatepass")))
    return hashes


_HARD = re.compile(
    r"[A-Za-z_][\w]*(?:[._/][\w]+)+(?:\(\))?|[A-Za-z]\w*_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*|\w+\(\)|`[^`\n]{1,60}`"
    r"|['\"][^'\"\n]{1,40}['\"]|-?\d+(?:\.\d+)?"
)
_WORD = re.compile(r"[A-Za-z]{3,}")
_STOP = word_set(
    "the and that this with for are was were has have had not but from they will would should could can may might "
    "let lets need needs now then than there here what when where which who why how all any some into out about "
    "also just like must its it's our your you been being does did done get got see seems still again let's maybe "
    "think because since so if is it on in of to at be by as an or we do no"
)
_ENDINGS = ("ations", "ation", "ings", "ing", "edly", "ed", "ies", "es", "ly", "s")


@dataclass(frozen=True)
class Thought:
    """What a text is about. Sets of hashes: small, and comparable."""

    hard: frozenset[int]  # names, numbers, quoted values
    words: frozenset[int]  # stems of the other words
    shingles: frozenset[int]  # pairs of words that stand together
    repeats: float  # share of its shingles that it has said before, within itself; 0 to 1

    def likeness(self, other: Thought) -> float:
        """How much of this is in the other: 1 is all of it."""
        return len(self.shingles & other.shingles) / len(self.shingles) if self.shingles else 0.0


def thought_of(text: str) -> Thought:
    """The terms of a thought."""
    hard = {_hash(term.strip("`'\"()").lower()) for term in _HARD.findall(text)}
    stems = [_stem(word.lower()) for word in _WORD.findall(text) if word.lower() not in _STOP]
    pairs = [_hash(f"{a} {b}") for a, b in pairwise(stems)]
    repeats = 1 - len(set(pairs)) / len(pairs) if pairs else 0.0
    return Thought(frozenset(hard), frozenset(map(_hash, stems)), frozenset(pairs), repeats)


def place_lines(text: str) -> list[int]:
    """The line numbers that stand before the lines of an observation."""
    return [int(match[1]) for line in text.splitlines()[:_MOST_LINES] if (match := _NUMBERED.match(line))]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _hash(text: str) -> int:
    return crc32(text.encode("utf-8", "surrogatepass"))
