"""A map of a repository: its definitions, those that matter for the failure first, within a budget.

Files are ranked by PageRank over who uses whose names (Page et al., "The PageRank Citation Ranking", 1999),
personalised by where the failure is and the words of the goal.
"""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import chain
from operator import itemgetter
from pathlib import Path

from coder_tools.languages import grammar_of
from coder_tools.symbols import definitions
from coder_tools.text import clean, numbered

_NAME = re.compile(r"[A-Za-z_$][\w$]{2,}")
_FILE_LIMIT = 500_000  # bytes; what is larger is generated
_DAMPING = 0.85
_LEAST = 0.03  # of all there is: less is not passed on, since long walks end in what everything uses
_ANYWAY = 0.1  # how much it matters what all files use, where one file that is named has 1
_LINKS = 24  # the strongest links of a file that are followed
_EVERYWHERE = 8  # files that define a name, above which it says nothing about which is used
_SHOWN = 7  # definitions of a file that are shown
_FORMAT = "4"  # of what is stored; another one is read anew


@dataclass(frozen=True)
class Tags:
    """What a file defines, as (name, line, text of the line), and how often it has which names."""

    defines: tuple[tuple[str, int, str], ...]
    uses: Mapping[str, int]

    @cached_property
    def names(self) -> frozenset[str]:
        """Those of its definitions by which other files can be known to use it."""
        return frozenset(name for name, _, _ in self.defines if len(name) > 2)


_NOTHING = Tags((), {})


def tags_of(path: str, data: bytes) -> Tags:
    """The tags of one file; of a language that is not known it defines nothing."""
    if len(data) > _FILE_LIMIT:
        return _NOTHING
    defined = []
    for symbol in definitions(path, data):
        start, end = data.rfind(b"\n", 0, symbol.body_start) + 1, data.find(b"\n", symbol.body_start)
        line = data[start : end if end >= 0 else None].decode("utf-8", "replace").rstrip()
        defined.append((symbol.name, data.count(b"\n", 0, start) + 1, clean(line)[:120]))
    return Tags(tuple(defined), Counter(_NAME.findall(data.decode("utf-8", "replace"))))


class TagStore:
    """Tags by content, kept in a file, or in memory alone where there is none to be had."""

    def __init__(self, file: Path | None = None) -> None:
        try:
            self._db = sqlite3.connect(file or ":memory:", timeout=2.0, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode = WAL")  # with `synchronous` a commit does not wait for the disk
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS tags (key TEXT PRIMARY KEY, tags TEXT) WITHOUT ROWID")
        except sqlite3.Error:
            self._db = sqlite3.connect(":memory:", check_same_thread=False)
            self._db.execute("CREATE TABLE tags (key TEXT PRIMARY KEY, tags TEXT) WITHOUT ROWID")
        self._known: dict[str, Tags] = {}

    def tags(self, files: Mapping[str, str], read: Callable[[str], bytes]) -> dict[str, Tags]:
        """The tags of files, given the key of each one's content; only what is new is read."""
        keys = {path: f"{_FORMAT}{key}{path[path.rfind('.') :]}" for path, key in files.items()}
        self._fetch([key for key in keys.values() if key not in self._known])
        fresh: list[tuple[str, str]] = []
        for path, key in keys.items():
            if key not in self._known:
                try:
                    self._known[key] = tags_of(path, read(path))
                except (KeyError, OSError):
                    self._known[key] = _NOTHING
                fresh.append((key, json.dumps([self._known[key].defines, self._known[key].uses])))
        self._keep(fresh)
        return {path: self._known[key] for path, key in keys.items()}

    def _fetch(self, keys: list[str]) -> None:
        try:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                marks = ",".join("?" * len(some))
                for key, text in self._db.execute(f"SELECT key, tags FROM tags WHERE key IN ({marks})", some):
                    defined, uses = json.loads(text)
                    self._known[key] = Tags(tuple((n, line, words) for n, line, words in defined), uses)
        except (sqlite3.Error, ValueError, TypeError):
            return  # a damaged cache is none

    def _keep(self, fresh: list[tuple[str, str]]) -> None:
        try:
            with self._db:
                self._db.executemany("INSERT OR REPLACE INTO tags VALUES (?, ?)", fresh)
        except sqlite3.Error:
            return  # somebody else writes, or the disk is full: the next run reads the files again


def content_key(data: bytes) -> str:
    """The key of a content that has no name of its own."""
    return blake2b(data, digest_size=12).hexdigest()


def mappable(paths: Iterable[str]) -> list[str]:
    """The files that can be on a map."""
    return [path for path in paths if grammar_of(path) is not None]


class RepoMap:
    """The map of one state of a repository. `before`: of a state that is much the same; what it knows is taken over."""

    def __init__(self, tags: Mapping[str, Tags], before: RepoMap | None = None) -> None:
        self._tags = {path: tags[path] for path in sorted(tags)}
        self._stems = {_stem(path): path for path in self._tags}
        self._definers: dict[str, list[str]] = {}
        self._worth: dict[str, float] = {}  # how much a use of a name says about which file is used
        self._links: dict[str, tuple[list[str], list[float]]] = {}
        self._link(before)
        self._anyway = self._used()

    def ranked(self, paths: Collection[str], words: Collection[str]) -> list[str]:
        """All files, those that matter for these paths and words first."""
        start = self._start(paths, words)
        total = sum(start.values()) + _ANYWAY
        scores = dict(self._anyway)
        for path, score in self._spread(start, _LEAST * total).items():
            scores[path] += score
        return sorted(scores, key=scores.__getitem__, reverse=True)

    def text(
        self, limit: int, paths: Collection[str], words: Collection[str], hidden: Callable[[str], object] | None = None
    ) -> str:
        """The map in at most `limit` characters: each file with its definitions, the best known of them first; without
        those that are `hidden`."""
        shown: list[str] = []
        size = 0
        for path in self.ranked(paths, words):
            if not self._tags[path].defines or (hidden is not None and hidden(path)):
                continue
            entry = self._entry(path, words)
            if size + len(entry) + 1 > limit:
                entry = path + ":"
            if size + len(entry) + 1 > limit:
                break
            shown.append(entry)
            size += len(entry) + 1
        return "\n".join(shown)

    def _entry(self, path: str, words: Collection[str]) -> str:
        found = self._lines(path, words)
        best = sorted(found, key=lambda d: (d[0] not in words, d[0].startswith("_"), d[2].startswith(" "), d[1]))
        lines = [numbered(line, text) for _, line, text in sorted(best[:_SHOWN], key=lambda d: d[1])]
        more = [f"and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
        return "\n".join([f"{path}:", *lines, *more])

    def _lines(self, path: str, words: Collection[str]) -> list[tuple[str, int, str]]:
        """The definitions of a file, of several on one line the one that matters most."""
        of_line: dict[int, tuple[str, int, str]] = {}
        for definition in self._tags[path].defines:
            if definition[1] not in of_line or definition[0] in words:
                of_line[definition[1]] = definition
        return list(of_line.values())

    def _start(self, paths: Collection[str], words: Collection[str]) -> dict[str, float]:
        """Where the walk begins: files that are named, those that define a word of the goal (more so where a named
        file uses it)."""
        weights: dict[str, float] = defaultdict(float)
        named = [path for path in sorted(paths) if path in self._tags]
        for path in named:
            weights[path] += 1.0
        for word in sorted(words):  # in one order, so that the sums are the same in every process
            if definers := self._definers.get(word):
                used = any(word in self._tags[path].uses for path in named)
                for path in definers:
                    weights[path] += (2.0 if used else 0.5) / len(definers)
            if (stem := self._stems.get(word.lower())) is not None:
                weights[stem] += 0.5
        return weights

    def _spread(self, start: Mapping[str, float], least: float) -> dict[str, float]:
        """Personalised PageRank by passing on from each file what it has, as long as that is `least` or more (Andersen,
        Chung and Lang, "Local Graph Partitioning using PageRank Vectors", 2006): the work depends on that, not on the
        size of the repository."""
        waiting = dict(start)  # what has come to a file and has not been passed on
        scores: dict[str, float] = defaultdict(float)
        due = [path for path, amount in waiting.items() if amount >= least]
        while due:
            then = []
            for path in due:
                amount, waiting[path] = waiting[path], 0.0
                scores[path] += (1 - _DAMPING) * amount
                amount *= _DAMPING
                for target, share in zip(*self._links[path], strict=True):
                    had = waiting.get(target, 0.0)
                    waiting[target] = has = had + amount * share
                    if had < least <= has:
                        then.append(target)
            due = then
        for path, amount in waiting.items():
            scores[path] += (1 - _DAMPING) * amount
        return scores

    def _used(self) -> dict[str, float]:
        """How much each file matters whatever is asked: as many others use it."""
        users = Counter(chain.from_iterable(targets for targets, _ in self._links.values()))
        total = max(1, users.total())
        return {path: _ANYWAY * users[path] / total for path in self._tags}

    def _link(self, before: RepoMap | None) -> None:
        """Find out who defines which names, and which links that makes. Of the map before a file's links stay where
        neither it is another one nor any file defines a name that it uses and did not, or the other way round."""
        was = before._tags if before is not None else {}
        other = [path for path in sorted(self._tags.keys() | was.keys()) if self._tags.get(path) is not was.get(path)]
        if before is not None:
            self._definers |= before._definers
            self._worth |= before._worth
            self._links |= {path: before._links[path] for path in self._tags.keys() & was.keys()}
        moved: set[str] = set()
        for path in other:
            old, new = was.get(path, _NOTHING).names, self._tags.get(path, _NOTHING).names
            for name in old ^ new:
                there = self._definers.get(name, [])
                self._definers[name] = sorted([*there, path]) if name in new else [p for p in there if p != path]
            moved |= old ^ new
        for name in moved:
            definers = len(self._definers[name])
            own = 0.3 if name.startswith("_") or len(name) < 5 else 1.0
            self._worth[name] = own / definers if 0 < definers <= _EVERYWHERE else 0.0
        due = set(other)
        for path, found in self._tags.items():
            if path in due or not found.uses.keys().isdisjoint(moved):
                self._links[path] = self._links_of(path, found)

    def _links_of(self, path: str, found: Tags) -> tuple[list[str], list[float]]:
        """A file's strongest links to those whose names it uses, as shares that add up to one."""
        out: dict[str, float] = defaultdict(float)
        for name, count in found.uses.items():
            if worth := self._worth.get(name, 0.0):
                weight = worth * math.sqrt(count)
                for target in self._definers[name]:
                    out[target] += weight
        out.pop(path, None)
        strongest = sorted(out.items(), key=itemgetter(1), reverse=True)[:_LINKS]
        total = sum(weight for _, weight in strongest)
        return [target for target, _ in strongest], [weight / total for _, weight in strongest]


def _stem(path: str) -> str:
    """The file's name without its suffix, in small letters."""
    return path[path.rfind("/") + 1 : path.rfind(".")].lower()


class Mapper:
    """Keeps the map of the last state it was asked about: the next question about it costs only the ranking, one about
    a state that differs in a few files little more."""

    def __init__(self, store: TagStore) -> None:
        self._store = store
        self._last: tuple[dict[str, str], RepoMap] | None = None

    def map(self, files: Mapping[str, str], read: Callable[[str], bytes]) -> RepoMap:
        """The map of files, given the key of each one's content; only what is new is read."""
        if self._last is None or self._last[0] != files:
            before = self._last[1] if self._last is not None else None
            self._last = (dict(files), RepoMap(self._store.tags(files, read), before))
        return self._last[1]


def words_in(text: str) -> set[str]:
    """The names in a text, for `words`."""
    return set(_NAME.findall(text))
