"""The repository map a policy may ask for: of the base and what has been changed on top, ranked by the failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache, lru_cache

from coder.record.storage import private_dir
from coder.record.store import default_home
from coder.session import Session
from coder_tools.contract import Changes, TestResult
from coder_tools.repomap import Mapper, TagStore, content_key, mappable, words_in

_FILES = 20_000  # more are not mapped: a repository of that size has its sources in the first of them or generated


def map_of(
    session: Session, changes: Changes, goal: Sequence[str], failed: Sequence[TestResult]
) -> Callable[[int], str]:
    """Gives the map in at most so many characters. The goal's tests and their failures say what matters."""

    def show(limit: int) -> str:
        paths = {frame.path for result in failed for frame in result.frames} | {test.split("::")[0] for test in goal}
        text = " ".join([session.request.goal, *goal, *(result.message for result in failed)])
        entries = session.base.entries
        files = {path: entries[path].oid for path in mappable(session.base.files)[:_FILES]}
        files |= {path: content_key(data) for path, data in changes.items() if data is not None}
        files = {path: key for path, key in files.items() if changes.get(path, b"") is not None}
        with ExitStack() as stack:
            blobs = cache(lambda: stack.enter_context(session.base.store.blobs()))  # git only where a file is new

            def read(path: str) -> bytes:
                data = changes.get(path)
                return data if data is not None else blobs()(entries[path].oid)

            made = _mapper().map(files, read)
        return made.text(limit, paths, words_in(text), session.protected)

    return show


@lru_cache(maxsize=1)
def _mapper() -> Mapper:
    folder = default_home() / "cache"
    private_dir(folder)
    return Mapper(TagStore(folder / "tags.sqlite"))
