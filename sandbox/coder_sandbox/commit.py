"""The patch as a commit in the user's repository, by plumbing alone: no hook runs, no other file is looked at."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .faults import SnapshotError, TreeMoved, listed
from .git import GitError, Repository
from .listing import find_repository
from .objects import FILE
from .snapshot import Base

UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}
ABSENT = ("0", "0" * 40)

GitEntry = tuple[str, str]
"""Mode and object id as git's index and trees have them; ABSENT for none."""


@dataclass(frozen=True)
class Proposal:
    """A commit that is written but not yet on any branch, and what it changes, by path in git's tree."""

    repository: Repository
    head: str
    commit: str
    before: Mapping[str, GitEntry]
    after: Mapping[str, GitEntry]


def propose(base: Base, changes: Mapping[str, bytes | None], message: str) -> Proposal:
    """Write the commit of HEAD plus `changes`, made by the user's own identity.

    TreeMoved if a touched file had uncommitted changes at the base, SnapshotError if there is nothing to build on.
    """
    repository, head = _to_build_on(base.repo)
    _refuse_nested(base, changes)
    before, after, dirty = {}, {}, []
    for path, data in changes.items():
        name = base.prefix + path
        before[name] = tree_entry(repository, head, name)
        blob = _new_blob(repository, name, before[name], _base_bytes(base, path), data)
        if blob is None:
            dirty.append(path)
        else:
            after[name] = blob
    if dirty:
        raise TreeMoved(dirty, "these files have changes that are not committed (or a filter of git's), so use apply")
    index = {"GIT_INDEX_FILE": str(base.run_dir / "commit.index")}
    repository.run("read-tree", head, env=index)
    repository.run("update-index", "-z", "--index-info", stdin=index_lines(after), env=index)
    tree = repository.text("write-tree", env=index)
    Path(index["GIT_INDEX_FILE"]).unlink()
    return Proposal(repository, head, _commit_tree(repository, tree, head, message), before, after)


def refuse_impossible(directory: Path, branch: str) -> None:
    """Say before a run that its patch could not be committed after it: on a new branch, or on the current one for "".

    SnapshotError where there is nothing to build on, the branch cannot be made, or something is under way.
    """
    repository, _ = _to_build_on(directory)
    if branch:
        refuse_branch(repository, branch)
    else:
        _refuse_under_way(repository)


def refuse_branch(repository: Repository, name: str) -> None:
    """SnapshotError if no branch of that name can be made."""
    if name.startswith("-") or repository.says("check-ref-format", f"refs/heads/{name}") is None:
        raise SnapshotError(f"{name!r} is not a valid name for a branch")
    if repository.says("rev-parse", "--verify", "--quiet", f"refs/heads/{name}"):
        raise SnapshotError(f"the branch {name} exists already; choose another name")


def _to_build_on(directory: Path) -> tuple[Repository, str]:
    """The repository and its HEAD commit. SnapshotError where one of them is missing."""
    repository = find_repository(directory)
    if repository is None:
        raise SnapshotError(f"{directory} is not in a git repository, so there is nothing to commit to; use apply")
    head = repository.says("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not head:
        raise SnapshotError("the repository has no commit yet to build on; use apply, and commit yourself")
    return repository, head


def _commit_tree(repository: Repository, tree: str, head: str, message: str) -> str:
    try:
        text = message.encode("utf-8", "surrogateescape")
        return repository.text("commit-tree", tree, "-p", head, "-F", "-", stdin=text)
    except GitError as error:
        if "identity" in error.detail or "ident name" in error.detail:
            raise SnapshotError("git does not know who you are; set user.name and user.email") from error
        raise


def _base_bytes(base: Base, path: str) -> bytes | None:
    return base.read(path) if path in base.entries else None


def _refuse_nested(base: Base, changes: Mapping[str, bytes | None]) -> None:
    """Files of a submodule are not part of the commit around it."""
    for path in changes:
        for parent in list((base.repo / path).parents)[: path.count("/")]:
            if os.path.lexists(parent / ".git"):
                raise SnapshotError(f"{listed([path])} lies in a submodule; use apply, and commit there")


def _new_blob(
    repository: Repository, name: str, old: GitEntry, was: bytes | None, now: bytes | None
) -> GitEntry | None:
    """Write `now` as git would store it at `name`. None if what git has there is not what the base has.

    Line endings and encodings are converted where they were for the old bytes; filters are programs, and not run.
    """
    stored = "--no-filters"
    if (was is None) != (old == ABSENT):
        return None
    if was is not None and _hash(repository, was, "--no-filters") != old[1]:
        stored = f"--path={name}"
        if _has_filter(repository, name) or _hash(repository, was, stored) != old[1]:
            return None
    if now is None:
        return ABSENT
    if was is None and not _has_filter(repository, name):
        stored = f"--path={name}"
    return old[0] if was is not None else f"{FILE:o}", _hash(repository, now, stored, "-w")


def _hash(repository: Repository, data: bytes, *options: str) -> str:
    return repository.text("hash-object", "-t", "blob", *options, "--stdin", stdin=data)


def _has_filter(repository: Repository, name: str) -> bool:
    value = repository.names("check-attr", "-z", "filter", "--", name)[-1]
    return value not in ("unspecified", "unset")


def tree_entry(repository: Repository, commit: str, name: str) -> GitEntry:
    """What a commit has at `name`."""
    return _entry(repository.names("ls-tree", "-z", "--full-tree", commit, "--", name))


def index_entry(repository: Repository, name: str) -> GitEntry:
    """What the user's index has at `name`; an unmerged path equals nothing."""
    found = repository.names("ls-files", "-z", "--stage", "--", name, cwd=repository.work_tree)
    if len(found) > 1:
        return ("unmerged", "")
    if not found:
        return ABSENT
    mode, oid, _stage = found[0].split("\t")[0].split()
    return mode, oid


def _entry(found: list[str]) -> GitEntry:
    if not found:
        return ABSENT
    mode, _kind, oid = found[0].split("\t")[0].split()
    return mode, oid


def index_lines(entries: Mapping[str, GitEntry]) -> bytes:
    """Entries as `git update-index -z --index-info` takes them."""
    return b"".join(b"%s %s\t%s\0" % (m.encode(), o.encode(), os.fsencode(n)) for n, (m, o) in entries.items())


def refuse_unless_committable(proposal: Proposal) -> None:
    """A commit on the current branch must not mix with what the user is in the middle of."""
    repository = proposal.repository
    _refuse_under_way(repository)
    staged = [name for name, entry in proposal.before.items() if index_entry(repository, name) != entry]
    if staged:
        raise TreeMoved(staged, "these files have staged changes that are not committed, so use apply")


def _refuse_under_way(repository: Repository) -> None:
    for name, what in UNDER_WAY.items():
        where = repository.text("rev-parse", "--git-path", name)
        if (repository.git_dir.parent / where).exists():
            raise SnapshotError(f"{what} is under way in the repository; finish it first, or use apply")
