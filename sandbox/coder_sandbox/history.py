"""What the files of the base were before: read from the user's repository, in which nothing is run or changed."""

from __future__ import annotations

from .git import GitError, Repository
from .listing import find_repository
from .snapshot import Base

COMMITS = 300  # how far back is looked
VERSIONS = 3  # of one file
BYTES = 1 << 20  # of one version


def earlier_versions(base: Base, path: str) -> tuple[bytes, ...]:
    """The last contents of a file that differ from the base's, newest first; none without git or without commits.

    Only plumbing commands are used: they start no pager, no signature check and no filter.
    """
    repository = find_repository(base.repo)
    if repository is None or path not in base.entries:
        return ()
    try:
        return _contents(repository, base.prefix + path, base.read(path))
    except GitError:  # no commits yet, a shallow or partial clone
        return ()


def _contents(repository: Repository, path: str, now: bytes) -> tuple[bytes, ...]:
    recent = repository.text("rev-list", f"--max-count={COMMITS}", "HEAD").split()
    span = ["HEAD", f"^{recent[-1]}"] if len(recent) == COMMITS else ["HEAD"]
    touching = repository.text("rev-list", f"--max-count={VERSIONS}", *span, "--", path).split()
    found: list[bytes] = []
    for commit in [*touching, *(f"{last}^" for last in touching[-1:])]:
        size = repository.says("cat-file", "-s", f"{commit}:{path}")
        if size is None or int(size) > BYTES:  # the commit that took the file in has none before it
            continue
        content = repository.run("cat-file", "blob", f"{commit}:{path}")
        if content not in (now, *found):
            found.append(content)
    return tuple(found[:VERSIONS])
