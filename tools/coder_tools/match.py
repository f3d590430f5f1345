"""Finding the lines that an edit means: exactly, else but for white space, else with a small slip; never two places."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coder_tools.slips import is_slip, words_of
from coder_tools.syntax import EditRefused
from coder_tools.text import clean

_NUMBERED = re.compile(r"\s*\d+\|")
_FUZZY_LINES = 3  # lines that are not blank, below which nothing is guessed
_SAME_LINE = 0.6  # how alike a line and the one that it replaces are
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True)
class Place:
    """Lines [first, last) of the file, counted from 0, and how they were found."""

    first: int
    last: int
    how: str  # "exact", "indentation", "spacing" or "wording": what had to be overlooked


def unnumbered(text: str) -> str:
    """The text without the line numbers that reading a file shows, if every line has one."""
    lines = text.split("\n")
    if not all(_NUMBERED.match(line) for line in lines if line.strip()):
        return text
    return "\n".join(_NUMBERED.sub("", line, count=1) for line in lines)


def find_lines(lines: Sequence[str], wanted: Sequence[str], near: int | None = None, under: str = "") -> Place | None:
    """The one place with the wanted lines; None if there is none. EditRefused if there are several.

    Of several places only those below the line `under` are meant, if that is there once.
    `near`: the line, from 0, where it is said to be. It decides between several places where one is by far nearest.
    """
    keys: tuple[tuple[str, Callable[[str], str]], ...] = (
        ("exact", str),
        ("indentation", str.strip),
        ("spacing", lambda line: " ".join(line.split())),
    )
    for how, key in keys:
        there, needle = [key(line) for line in lines], [key(line) for line in wanted]
        found = [at for at in range(len(there) - len(needle) + 1) if there[at : at + len(needle)] == needle]
        if found:
            at = found[0] if len(found) == 1 else _nearest(_below(found, lines, under), near)
            return Place(at, at + len(wanted), how)
    return _with_a_slip(lines, wanted)


def ambiguous(lines: Sequence[int]) -> EditRefused:
    """The refusal of an edit that could be meant for any of these lines, counted from 1."""
    places = ", ".join(map(str, lines[:8]))
    return EditRefused(
        f"Nothing was written: that text is there {len(lines)} times (lines {places}). "
        "Add lines before or after it until only one place is meant."
    )


def not_found(path: str, lines: Sequence[str], wanted: Sequence[str], gone: bool = False) -> EditRefused:
    """The refusal of an edit whose lines are not there, with what comes nearest to them. `gone`: they once were."""
    what = f"that text is no longer in {path}: an earlier edit changed it" if gone else f"that text is not in {path}"
    at = _nearest_to(lines, wanted)
    if at is None:
        return EditRefused(f"Nothing was written: {what}. Read the file and copy the lines exactly.")
    part = lines[at : at + min(len(wanted) + 2, 12)]
    return EditRefused(
        f"Nothing was written: {what}. The nearest is at lines {at + 1} to {at + len(part)}:\n"
        + clean("\n".join(part))
        + "\nIf you mean these lines, copy those to replace exactly as they are there."
    )


def _nearest_to(lines: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Where, from 0, most of the wanted lines stand as they were given; else where one is like the first of them."""
    needle, there = ([line.strip() for line in part] for part in (wanted, lines))
    places: dict[str, list[int]] = {}
    for at, line in enumerate(there):
        places.setdefault(line, []).append(at)
    starts = Counter(at - n for n, line in enumerate(needle) if line for at in places.get(line, ()))
    best, same = starts.most_common(1)[0] if starts else (0, 0)
    if same * 2 >= sum(map(bool, needle)):
        return max(0, best)
    first = next(line for line in needle if line)
    near = difflib.get_close_matches(first, [line for line in list(places)[:5000] if line], n=1, cutoff=0.6)
    return places[near[0]][0] if near else None


def carried(new: Sequence[str], wanted: Sequence[str], there: Sequence[str]) -> list[str]:
    """The lines found with only that changed in which `new` differs from `wanted`: what the edit repeats stays as it is
    in the file, whatever slips it has. What is new is indented as the file is."""
    moved = [line for line in reindented(new, wanted, there) if line.strip()]
    sent, searched, found = _spaced(new), _spaced(wanted), _spaced(there)
    before, after = ([line.rstrip() for _, line in part[:-1]] for part in (searched, sent))
    steps = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    gone = [at for kind, low, high, _, _ in steps if kind != "equal" for at in range(low, high)]
    slips = [(searched[at][1].strip(), found[at][1].strip()) for at in gone]
    lines: list[str] = []
    for kind, low, high, first, last in steps:
        for at in range(first, last):
            old = low + at - first
            kept = old < high and len(sent[at][0]) == len(searched[old][0])  # as many blank lines before it
            lines += found[old][0] if kept else [""] * len(sent[at][0])
            lines.append(found[old][1] if kind == "equal" else _corrected(moved[at], slips))
    kept = len(sent[-1][0]) == len(searched[-1][0])
    return lines + (found[-1][0] if kept else [""] * len(sent[-1][0]))


def _spaced(lines: Sequence[str]) -> list[tuple[list[str], str]]:
    """Each line that is not blank with the blank ones before it; at the end an empty one."""
    spaced: list[tuple[list[str], str]] = []
    blank: list[str] = []
    for line in [*lines, None]:
        if line is not None and not line.strip():
            blank.append(line)
            continue
        spaced.append((blank, line or ""))
        blank = []
    return spaced


def _corrected(line: str, slips: Sequence[tuple[str, str]]) -> str:
    """A line of the edit without the slip that it takes over from the line which it replaces."""
    text = line.strip()
    ratios = [difflib.SequenceMatcher(None, mine, text, autojunk=False).ratio() for mine, _ in slips]
    if not ratios or max(ratios) < _SAME_LINE:
        return line
    mine, theirs = slips[ratios.index(max(ratios))]
    return line if mine == theirs else indent_of(line) + _merged(text, mine, theirs)


def _merged(new: str, wanted: str, there: str) -> str:
    """`there` with the change from `wanted` to `new`; `new` itself where that changes the very words of the slip."""
    mine, sent, theirs = (_TOKEN.findall(text) for text in (wanted, new, there))
    blocks = difflib.SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks()
    merged = list(theirs)
    for kind, low, high, first, last in reversed(
        difflib.SequenceMatcher(None, mine, sent, autojunk=False).get_opcodes()
    ):
        if kind == "equal":
            continue
        places = {block.b + low - block.a for block in blocks if block.a <= low and high <= block.a + block.size}
        if len(places) != 1:
            return new
        [at] = places
        merged[at : at + high - low] = sent[first:last]
    return "".join(merged)


def reindented(new: Sequence[str], wanted: Sequence[str], there: Sequence[str]) -> list[str]:
    """The new lines with the file's indentation, learnt from the lines searched for and those found."""
    known: dict[str, str] = {}
    for mine, theirs in zip(_solid(wanted), _solid(there), strict=True):
        if known.setdefault(indent_of(mine), indent_of(theirs)) != indent_of(theirs):
            raise EditRefused(
                "Nothing was written: the lines are there, but indented otherwise, and not evenly so. "
                "Send them with the indentation that the file has."
            )
    return [_moved(line, known) if line.strip() else "" for line in new]


def _moved(line: str, known: dict[str, str]) -> str:
    """A line with its indentation as the file has it, given what each indentation of the edit is there."""
    indent = indent_of(line)
    base = max((k for k in known if indent.startswith(k)), key=len, default=None)
    if base is None:  # less indented than all that was searched for: move it as far as the least of those
        base = min(known, key=len)
        shift = len(known[base]) - len(base)
        return known[base][: max(0, len(indent) + shift)] + line.strip()
    deeper = indent[len(base) :]
    if known[base].endswith("\t") and "\t" not in deeper:
        deeper = "\t" * ((len(deeper) + 3) // 4)
    elif "\t" not in known[base]:
        deeper = deeper.replace("\t", "    ")
    return known[base] + deeper + line[len(indent) :]


def _below(found: Sequence[int], lines: Sequence[str], under: str) -> Sequence[int]:
    """The places below the one line that begins so; all of them if there is no such line or no place below it."""
    heads = [at for at, line in enumerate(lines) if under and line.strip().startswith(under)]
    return [at for at in found if len(heads) == 1 and at > heads[0]] or found


def _nearest(found: Sequence[int], near: int | None) -> int:
    """The place by far nearest to where it is said to be: every other is more than twice as far, and by five lines."""
    if len(found) == 1:
        return found[0]
    if near is not None:
        first, second = sorted(found, key=lambda at: abs(at - near))[:2]
        if abs(second - near) > 2 * abs(first - near) + 5:
            return first
    raise ambiguous([at + 1 for at in found])


def _with_a_slip(lines: Sequence[str], wanted: Sequence[str]) -> Place | None:
    """The one place where, blank lines aside, at least three lines in four are the same and the others but for a slip
    that does not tell this place from another."""
    needle = [" ".join(line.split()) for line in wanted if line.strip()]
    solid = [(at, " ".join(line.split())) for at, line in enumerate(lines) if line.strip()]
    if len(needle) < _FUZZY_LINES:
        return None
    sent, there = words_of("\n".join(needle)), words_of("\n".join(lines))
    found: list[int] = []
    for start in range(len(solid) - len(needle) + 1):
        pairs = zip(needle, (text for _, text in solid[start : start + len(needle)]), strict=True)
        differing = [(a, b) for a, b in pairs if a != b]
        if len(differing) <= max(1, len(needle) // 4) and all(is_slip(a, b, sent, there) for a, b in differing):
            found.append(start)
    if not found:
        return None
    if len(found) > 1:
        raise ambiguous([solid[start][0] + 1 for start in found])
    return Place(solid[found[0]][0], solid[found[0] + len(needle) - 1][0] + 1, "wording")


def _solid(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def indent_of(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip())]
