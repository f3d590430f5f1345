"""Recent changes taken back, in whole or in part: a statement as it was before."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from coder.repair.naturalness import tokenise
from coder.repair.site import Edit, Site
from coder.repair.world import Hunk

_LONGEST = 4000  # characters of a change that is taken back
_ALIKE = 0.5  # from which share of words on a line is an older form of another


def edits(site: Site) -> Iterator[Edit]:
    start, end = site.module.lines_span(site.statement)
    for hunk in site.hunks:
        touches = hunk.start < end and start < hunk.end if hunk.start < hunk.end else start <= hunk.start <= end
        if touches and len(hunk.old) <= _LONGEST:
            yield from _taken_back(site, hunk)


def _taken_back(site: Site, hunk: Hunk) -> Iterator[Edit]:
    bonus = 1.0 - 0.5 * hunk.age
    now = site.module.text[hunk.start : hunk.end]
    note = f"the change of line {site.module.line_of(hunk.start)} is taken back"
    yield site.splice(hunk.start, hunk.end, hunk.old, "revert", note, bonus)
    places = [hunk.start]
    for line in now.splitlines(keepends=True):
        places.append(places[-1] + len(line))
    for first, last, text in _line_by_line(now.splitlines(keepends=True), hunk.old.splitlines(keepends=True)):
        start, end = places[first], places[last]
        if (start, end, text) != (hunk.start, hunk.end, hunk.old):
            yield site.splice(start, end, text, "revert", note, bonus - 0.2)
        if last == first + 1 and text:
            yield from _parts(site, start, site.module.text[start:end], text, bonus - 0.3)


def _line_by_line(now: list[str], then: list[str]) -> Iterator[tuple[int, int, str]]:
    """(first, last, text): lines [first, last) of `now` become `text`, for each line of either that has changed."""
    place = 0  # in `now`: like lines come in the same order in both
    for old in then:
        like = next((n for n in range(place, len(now)) if _alike(now[n], old)), None)
        if like is None:
            yield place, place, old
        else:
            yield from ((n, n + 1, "") for n in range(place, like))
            yield like, like + 1, old
            place = like + 1
    yield from ((n, n + 1, "") for n in range(place, len(now)))


def _alike(one: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, one.split(), other.split(), autojunk=False).ratio() >= _ALIKE


def _parts(site: Site, at: int, now: str, then: str, bonus: float) -> Iterator[Edit]:
    """Each place in which two lines differ, by itself."""
    tokens, olds = tokenise(now), tokenise(then)
    words, old_words = [word for _, word in tokens], [word for _, word in olds]
    places = [place for place, _ in tokens] + [len(now)]
    old_places = [place for place, _ in olds] + [len(then)]
    changes = [
        code
        for code in difflib.SequenceMatcher(None, words, old_words, autojunk=False).get_opcodes()
        if code[0] != "equal"
    ]
    for _, first, last, low, high in changes if len(changes) > 1 else ():
        text = then[old_places[low] : old_places[high]]
        yield site.splice(at + places[first], at + places[last], text, "revert", "", bonus)
