"""How ordinary a piece of code reads in this repository: token trigrams of its own files."""

from __future__ import annotations

import bisect
import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

_TOKEN = re.compile(
    r"""[rRbBuUfF]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')"""
    r"""|\w+|\*\*=?|//=?|<<=?|>>=?|[<>=!+\-*/%&|^@:]=|->|\n|[^\s#]|\#[^\n]*""",
    re.DOTALL,
)
_LONG = 14  # characters of a string after which only that it is a string counts
_WEIGHTS = (0.55, 0.3, 0.15)  # of trigram, bigram, unigram


def tokenise(text: str) -> list[tuple[int, str]]:
    """(place, token) pairs; comments left out, empty lines taken as one."""
    found: list[tuple[int, str]] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0] == "#" or (token == "\n" and (not found or found[-1][1] == "\n")):
            continue
        if token[-1] in "'\"" and len(token) > _LONG:
            token = "STRING"
        found.append((match.start(), token))
    return found


class Text:
    """The tokens of one file, to find those around an edit."""

    def __init__(self, text: str) -> None:
        pairs = tokenise(text)
        self.tokens = [token for _, token in pairs]
        self._places = [place for place, _ in pairs]

    def around(self, start: int, end: int) -> tuple[list[str], list[str], list[str]]:
        """The two tokens before [start, end), those in it, the two after."""
        first = bisect.bisect_left(self._places, start)
        last = bisect.bisect_left(self._places, end)
        return self.tokens[max(0, first - 2) : first], self.tokens[first:last], self.tokens[last : last + 2]


class Model:
    """Counts over all files; log-probability of tokens given the two before."""

    def __init__(self, texts: Sequence[Text]) -> None:
        self._one: Counter[str] = Counter()
        self._two: Counter[tuple[str, str]] = Counter()
        self._three: Counter[tuple[str, str, str]] = Counter()
        for text in texts:
            tokens = text.tokens
            self._one.update(tokens)
            self._two.update(pairwise(tokens))
            self._three.update(zip(tokens, tokens[1:], tokens[2:], strict=False))
        self._total = sum(self._one.values()) + 1
        self._kinds = len(self._one) + 1

    def mean(self, before: Sequence[str], tokens: Sequence[str], after: Sequence[str], own: int = 0) -> float:
        """Mean log-probability of tokens and what follows. `own`: how often this very text is in the counts."""
        line = [*before, *tokens, *after]
        first = len(before)
        if first == len(line):
            return 0.0
        total = 0.0
        for place in range(first, len(line)):
            total += self._log(tuple(line[max(0, place - 2) : place]), line[place], own)
        return total / (len(line) - first)

    def _log(self, context: tuple[str, ...], token: str, own: int) -> float:
        three = two = 0.0
        if len(context) == 2 and self._two[context] > own:
            three = max(0, self._three[(*context, token)] - own) / (self._two[context] - own)
        if context and self._one[context[-1]] > own:
            two = max(0, self._two[(context[-1], token)] - own) / (self._one[context[-1]] - own)
        one = (max(0, self._one[token] - own) + 1) / (self._total + self._kinds)
        return math.log(_WEIGHTS[0] * three + _WEIGHTS[1] * two + _WEIGHTS[2] * one)
