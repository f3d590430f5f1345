"""Landing a patch in the user's repository, and taking it back: exactly, or not at all.

A file is only touched if it is as the base has it (or, on the way back, as coder left it). The record that undo
needs is on disk before the first change, so a kill at any moment can still be undone or finished.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from . import commit as commits
from . import landing
from .faults import SnapshotError, TreeMoved, in_words
from .git import GitError, Repository
from .landed import Landed, LandedRef
from .listing import find_repository
from .snapshot import Base

__all__ = ["SnapshotError", "TreeMoved", "apply", "branch", "commit", "undo"]

Changes = Mapping[str, bytes | None]
NO_COMMIT = "0" * 40


def apply(base: Base, changes: Changes) -> bool:
    """Put the changes into the user's files; whether anything of them was not there yet. Doing it again is fine, also
    after a kill in the middle.

    TreeMoved, with nothing written, if a touched file is not as it was when the snapshot was taken.
    """
    changes = base.checked(changes)
    with in_words(f"put the patch into {base.repo}"):
        landed = Landed.load(base.run_dir) or Landed()
        fresh = not landed.files
        if fresh:
            landed.files = [landing.planned(base, path, data) for path, data in changes.items()]
            landed.directories = landing.missing_directories(base.repo, landed.files)
        elif {file.path: file.after for file in landed.files} != landing.outcome(base, changes):
            raise SnapshotError("another patch of this run is in your files; take it back first with undo")
        moved = [f.path for f in landed.files if not landing.is_expected(base, f, may_be_done=not fresh)]
        if moved:
            why = "these files are not as they were when coder took its snapshot, so nothing was written"
            raise TreeMoved(moved, why)
        if not any(fresh or landing.is_expected(base, file, may_be_done=False) for file in landed.files):
            return False
        landed.save(base.run_dir)
        try:
            landing.write(base.repo, landed, changes)
        except BaseException:
            landing.take_back(base, landed)
            _forget_files(base.run_dir, landed)
            raise
        return True


def commit(base: Base, changes: Changes, message: str) -> str:
    """Apply the changes and commit just them on the current branch (or detached HEAD); the commit's id.

    TreeMoved if a touched file has changes that are not committed. No hook runs; whatever else is staged stays so.
    """
    changes = _some(base, changes)
    with in_words("commit the patch"):
        repository = find_repository(base.repo)
        done = Landed.load(base.run_dir)
        for ref in done.refs if done and repository else ():
            if repository and ref.old and _value(repository, ref.name) == ref.new:
                return ref.new
        proposal = commits.propose(base, changes, message)
        commits.refuse_unless_committable(proposal)
        apply(base, changes)
        landed = Landed.load(base.run_dir) or Landed()
        landed.refs.append(LandedRef(_current_branch(proposal.repository), proposal.head, proposal.commit))
        landed.index = {name: [proposal.before[name], entry] for name, entry in proposal.after.items()}
        landed.save(base.run_dir)
        try:
            _put_into_index(proposal.repository, proposal.after)
            _move(proposal.repository, "HEAD", proposal.head, proposal.commit)
        except BaseException:
            _take_back_refs(proposal.repository, landed)
            landed.refs.pop()
            landed.index = {}
            landed.save(base.run_dir)
            if not (done and done.files):  # not applied before: so neither now
                landing.take_back(base, landed)
                _forget_files(base.run_dir, landed)
            raise
        return proposal.commit


def branch(base: Base, changes: Changes, name: str, message: str) -> str:
    """Make the branch `name`: HEAD plus the changes; the commit's id. Working tree and index are not touched."""
    changes = _some(base, changes)
    with in_words(f"make the branch {name}"):
        proposal = commits.propose(base, changes, message)
        repository, ref = proposal.repository, f"refs/heads/{name}"
        commits.refuse_branch(repository, name)
        landed = Landed.load(base.run_dir) or Landed()
        landed.refs.append(LandedRef(ref, "", proposal.commit))
        landed.save(base.run_dir)
        _move(repository, ref, NO_COMMIT, proposal.commit)
        return proposal.commit


def undo(run_dir: Path) -> list[str]:
    """Take back what the run has put into the user's repository; the paths and refs that were put back.

    TreeMoved, with nothing touched, if one of them is no longer as coder left it.
    """
    with in_words("take back the patch"):
        landed = Landed.load(run_dir)
        if landed is None:
            raise SnapshotError("there is nothing to undo: this run has put nothing into your files")
        base = Base.open(run_dir)
        repository = find_repository(base.repo) if landed.refs or landed.index else None
        moved = [f.path for f in landed.files if not landing.is_expected(base, f, may_be_done=True)]
        moved += [r.name for r in landed.refs if repository is None or not _may_move_back(repository, r)]
        if moved:
            raise TreeMoved(moved, "these are no longer as coder left them, so nothing was taken back")
        if repository:
            _take_back_refs(repository, landed)
        landing.take_back(base, landed)
        Landed.forget(run_dir)
        return [file.path for file in landed.files] + [ref.name for ref in landed.refs]


def _some(base: Base, changes: Changes) -> Changes:
    changes = base.checked(changes)
    if not changes:
        raise SnapshotError("the patch changes nothing")
    return changes


def _forget_files(run_dir: Path, landed: Landed) -> None:
    landed.files, landed.directories = [], []
    if landed.refs:
        landed.save(run_dir)
    else:
        Landed.forget(run_dir)


def _value(repository: Repository, ref: str) -> str:
    return repository.says("rev-parse", "--verify", "--quiet", ref) or ""


def _current_branch(repository: Repository) -> str:
    return repository.says("symbolic-ref", "--quiet", "HEAD") or "HEAD"


def _move(repository: Repository, ref: str, old: str, new: str) -> None:
    try:
        repository.run("update-ref", "-m", "coder", ref, new, old)
    except GitError as error:
        raise TreeMoved([ref], f"it was moved or locked meanwhile, so it was left alone ({error.detail})") from error


def _put_into_index(repository: Repository, entries: Mapping[str, commits.GitEntry]) -> None:
    repository.run("update-index", "-z", "--index-info", stdin=commits.index_lines(entries))


def _may_move_back(repository: Repository, ref: LandedRef) -> bool:
    """Is the ref where coder put it (or still where it was), and does nobody stand on a branch that would go?"""
    value = _value(repository, ref.name)
    if value == ref.old:
        return True
    if ref.old:
        return value == ref.new and _current_branch(repository) == ref.name
    in_use = repository.text("for-each-ref", "--format=%(worktreepath)", ref.name)
    return value == ref.new and not in_use


def _take_back_refs(repository: Repository, landed: Landed) -> None:
    for ref in reversed(landed.refs):
        if _value(repository, ref.name) != ref.new:
            continue
        if ref.old:
            _move(repository, ref.name, ref.new, ref.old)
        else:
            repository.run("update-ref", "-d", ref.name, ref.new)
    ours = {name: before for name, (before, after) in landed.index.items()}
    ours = {n: e for n, e in ours.items() if commits.index_entry(repository, n) == landed.index[n][1]}
    if ours:
        _put_into_index(repository, ours)
