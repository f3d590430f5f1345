"""Whether a line is another with a slip of the pen in it, and not one that tells another place: what is named, assigned
or compared, operators, numbers, texts and keys are the same in both."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_TOKEN = re.compile(r"\w+|[^\w\s]")
_COMMENT = re.compile(r"(?:^|(?<=\s))#(?=\s|$)|(?:^|(?<=[;{},])[ \t]*)//")
_WORD = 4  # letters of a word that may be misspelt
_NAMING = frozenset(
    [
        *("def", "class", "fn", "func", "function", "struct", "enum", "trait", "impl", "mod", "type", "interface"),
        *("record", "const", "let", "var", "namespace", "macro"),
    ]
)


def words_of(text: str) -> Counter[str]:
    """How often each word is there."""
    return Counter(re.findall(r"\w+", text))


def is_slip(mine: str, theirs: str, sent: Mapping[str, int], there: Mapping[str, int]) -> bool:
    """Whether `mine` was meant to be the line `theirs`. White space, quotes, a comma at the end and a comment behind
    code that only one of them has do not count; one word may be misspelt.

    `sent`, `there`: the words of all lines that are looked for, and of the file.
    """
    (code, comment), (other, said) = _parted(mine), _parted(theirs)
    if code and code == other and (comment == said or not comment or not said):
        return True
    return _misspelt([*code, *_TOKEN.findall(comment)], [*other, *_TOKEN.findall(said)], sent, there)


def _parted(line: str) -> tuple[list[str], str]:
    """The tokens of a line's code, with one sort of quotes and no comma or semicolon at its end, and its comment."""
    at = next((m.start() for m in _COMMENT.finditer(line) if not _in_text(line[: m.start()])), len(line))
    tokens = _TOKEN.findall(line[:at].replace("'", '"'))
    return tokens[:-1] if tokens[-1:] in ([","], [";"]) else tokens, line[at:].strip()


def _in_text(before: str) -> bool:
    return before.count('"') % 2 == 1 or before.count("'") % 2 == 1


def _misspelt(tokens: list[str], right: list[str], sent: Mapping[str, int], there: Mapping[str, int]) -> bool:
    """Whether the tokens are the right ones but for one word, misspelt, that nothing there is called by."""
    if tokens == right:
        return True
    differing = [at for at, (a, b) in enumerate(zip(tokens, right, strict=False)) if a != b]
    if len(tokens) != len(right) or len(differing) != 1:
        return False
    [at] = differing
    before, after = tokens[:at], tokens[at + 1 : at + 3]
    names = before[-1:] and before[-1] in _NAMING
    gives = after[:1] == [":"] or (after[:1] == ["="] and after[1:] != ["="])
    if names or gives or before.count('"') % 2 or sent.get(tokens[at], 0) != 1 or tokens[at] in there:
        return False
    return _one_letter(tokens[at], right[at])


def _one_letter(mine: str, theirs: str) -> bool:
    """Whether a word is another with one letter too few or too many inside, or two letters exchanged."""
    if min(len(mine), len(theirs)) < _WORD or re.search(r"\d", mine + theirs):
        return False
    if (mine[0], mine[-1]) != (theirs[0], theirs[-1]):
        return False
    if len(mine) == len(theirs):
        at = next(n for n in range(len(mine)) if mine[n] != theirs[n])
        return mine[:at] + mine[at + 1] + mine[at] + mine[at + 2 :] == theirs
    short, long = sorted((mine, theirs), key=len)
    return any(long[:n] + long[n + 1 :] == short for n in range(1, len(long) - 1))
