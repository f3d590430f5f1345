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
from hashlib import blake2b
from heapq import nlargest
from pathlib import Path

from coder_tools.languages import grammar_of
from coder_tools.symbols import definitions
from coder_tools.text import clean, numbered

_WORD = re.compile(rb"[A-Za-z_$][\w$]{2,}")
_NAME = re.compile(r"[A-Za-z_$][\w$]{2,}")
_FILE_LIMIT = 500_000  # bytes; what is larger is generated
_DAMPING, _ROUNDS = 0.85, 8
_NOTHING = 1e-6  # a score too small to pass on
_LINKS = 24  # the strongest links of a file that are followed
_EVERYWHERE = 8  # files that define a name, above which it says nothing about which is used
_SHOWN = 7  # definitions of a file that are shown
_FORMAT = "3"  # of what is stored; another one is read anew


@dataclass(frozen=True)
class Tags:
    """What a file defines, as (name, line, text of the line), and how often it has which names."""

    defines: tuple[tuple[str, int, str], ...]
    uses: Mapping[str, int]


def tags_of(path: str, data: bytes) -> Tags:
    """The tags of one file; of a language that is not known it defines nothing."""
    if len(data) > _FILE_LIMIT:
        return Tags((), {})
    starts = [0, *(match.end() for match in re.finditer(rb"\n", data))]
    defined = []
    for symbol in definitions(path, data):
        row = data.count(b"\n", 0, symbol.body_start)
        end = starts[row + 1] if row + 1 < len(starts) else len(data)
        line = data[starts[row] : end].decode("utf-8", "replace").rstrip()
        defined.append((symbol.name, row + 1, clean(line)[:120]))
    uses = Counter(_WORD.findall(data))
    return Tags(tuple(defined), {name.decode("ascii", "replace"): count for name, count in uses.items()})


class TagStore:
    """Tags by content, kept in a file, or in memory alone where there is none to be had."""

    def __init__(self, file: Path | None = None) -> None:
        try:
            self._db = sqlite3.connect(file or ":memory:", timeout=2.0, check_same_thread=False)
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
                    self._known[key] = Tags((), {})
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
    """The map of one state of a repository."""

    def __init__(self, tags: Mapping[str, Tags]) -> None:
        self._tags = tags
        self._stems = {Path(path).stem.lower(): path for path in tags}
        self._definers: dict[str, list[str]] = defaultdict(list)
        for path, found in tags.items():
            for name in {name for name, _, _ in found.defines}:
                if len(name) > 2:
                    self._definers[name].append(path)
        self._links = self._linked()

    def ranked(self, paths: Collection[str], words: Collection[str]) -> list[str]:
        """All files, those that matter for these paths and words first."""
        scores = self._scores(paths, words)
        return sorted(self._tags, key=lambda path: (-scores[path], path))

    def text(self, limit: int, paths: Collection[str], words: Collection[str], hidden: Collection[str] = ()) -> str:
        """The map in at most `limit` characters: each file with its definitions, the best known of them first."""
        shown: list[str] = []
        size = 0
        for path in self.ranked(paths, words):
            if path in hidden or not self._tags[path].defines:
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

    def _scores(self, paths: Collection[str], words: Collection[str]) -> dict[str, float]:
        """Personalised PageRank by power iteration; what leads nowhere goes back to where the walk begins."""
        start = self._start(paths, words)
        scores = start
        for _ in range(_ROUNDS):
            flowing = [0.0] * len(start)
            lost = 0.0
            for score, (targets, shares) in zip(scores, self._links, strict=True):
                if not targets:
                    lost += score
                elif score > _NOTHING:
                    for target, share in zip(targets, shares, strict=True):
                        flowing[target] += score * share
            back = 1 - _DAMPING + _DAMPING * lost
            scores = [_DAMPING * flow + back * own for flow, own in zip(flowing, start, strict=True)]
        return dict(zip(self._tags, scores, strict=True))

    def _start(self, paths: Collection[str], words: Collection[str]) -> list[float]:
        """Where the walk begins: files that are named, those that define a word of the goal (more so where a named
        file uses it), a little everywhere."""
        weights = dict.fromkeys(self._tags, 0.1 / max(1, len(self._tags)))
        named = [path for path in paths if path in weights]
        for path in named:
            weights[path] += 1.0
        for word in words:
            used = any(word in self._tags[path].uses for path in named)
            for path in (definers := self._definers.get(word, [])):
                weights[path] += (2.0 if used else 0.5) / len(definers)
            if (stem := self._stems.get(word.lower())) is not None:
                weights[stem] += 0.5
        total = sum(weights.values()) or 1.0
        return [weight / total for weight in weights.values()]

    def _linked(self) -> list[tuple[list[int], list[float]]]:
        """From each file to those whose names it uses, by number, as shares that add up to one."""
        numbers = {path: number for number, path in enumerate(self._tags)}
        links = []
        for path, found in self._tags.items():
            out: dict[str, float] = defaultdict(float)
            for name in found.uses.keys() & self._definers.keys():
                definers = self._definers[name]
                if len(definers) > _EVERYWHERE:
                    continue
                weight = math.sqrt(found.uses[name]) / len(definers)
                weight *= 0.3 if name.startswith("_") or len(name) < 5 else 1.0
                for target in definers:
                    if target != path:
                        out[target] += weight
            strongest = nlargest(_LINKS, out.items(), key=lambda link: link[1])
            total = sum(weight for _, weight in strongest)
            links.append(([numbers[target] for target, _ in strongest], [weight / total for _, weight in strongest]))
        return links


class Mapper:
    """Keeps the map of the last state it was asked about: the next question about it costs only the ranking."""

    def __init__(self, store: TagStore) -> None:
        self._store = store
        self._last: tuple[dict[str, str], RepoMap] | None = None

    def map(self, files: Mapping[str, str], read: Callable[[str], bytes]) -> RepoMap:
        """The map of files, given the key of each one's content; only what is new is read."""
        if self._last is None or self._last[0] != files:
            self._last = (dict(files), RepoMap(self._store.tags(files, read)))
        return self._last[1]


def words_in(text: str) -> set[str]:
    """The names in a text, for `words`."""
    return set(_NAME.findall(text))
