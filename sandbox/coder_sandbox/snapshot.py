"""The base of a run: the user's tree as it is now, kept in a private repository, checked out exactly.

The user's own repository is only read. The private one, `run_dir/base.git`, holds the files' exact bytes: coder
reads and writes them itself, so no attribute, filter or line-ending rule of anybody's has a say.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import durable, paths, worktree
from .faults import SnapshotError, WrongRepository, in_words, shown_name
from .git import Repository
from .listing import find_repository, is_bare, list_files, prefix_in
from .objects import EXECUTABLE, FILE, LINK, Content, Entry, entry_of, patch_content, read_tree, write_commit
from .safe_files import CHUNK, directory, entry_below, remove

__all__ = ["Base", "SnapshotError", "WrongRepository"]

Changes = Mapping[str, bytes | None]
BASE_REF, PRODUCTS_REF, PATCH_REF = "refs/heads/base", "refs/coder/products", "refs/coder/patch"
PRODUCT_BYTES = 512 << 20
"""Build products over this in total (the largest first) are not copied."""
ATTRIBUTES = "* -text -filter !diff !merge -ident -working-tree-encoding\n"
"""Stands above every .gitattributes in the tree, so that these have no effect."""


@dataclass(frozen=True, eq=False)
class Base:
    """The user's tree at one moment. Everything coder tries and verifies is this plus changes.

    Changes map a path (posix, relative) to its new bytes, or to None if the file is deleted.
    """

    run_dir: Path
    repo: Path  # the user's directory, resolved
    prefix: str  # where `repo` is in the user's git repository: "" at its top, else ending in a slash
    commit: str
    tree: str
    entries: Mapping[str, Entry] = field(repr=False)
    products: Mapping[str, Entry] = field(repr=False)  # in every checkout, but not part of the base

    @classmethod
    def take(cls, repo: Path, run_dir: Path, *, max_files: int = 200_000, max_bytes: int = 2 << 30) -> Base:
        """Snapshot the directory `repo` into `run_dir`. SnapshotError (or WrongRepository) says why not."""
        repo, run_dir = _checked_places(repo, run_dir)
        with in_words(f"take a snapshot of {repo}"):
            run_dir.mkdir(parents=True, exist_ok=True)
            with directory(run_dir) as handle:
                remove(handle, "base.git")
                remove(handle, "base.json")
                try:
                    _snapshot(repo, run_dir, max_files, max_bytes)
                except BaseException:
                    remove(handle, "base.git")
                    raise
        return cls.open(run_dir)

    @staticmethod
    def is_whole(run_dir: Path) -> bool:
        """Whether `take` came to its end here: killed before that, it leaves a part that is of no use."""
        return (run_dir / "base.json").exists()

    @staticmethod
    def mend(run_dir: Path) -> list[str]:
        """Remove what a power loss has left half-written of the private repository; the names of what was removed.

        SnapshotError if that is a part of the base itself.
        """
        store = _store(run_dir)
        removed = durable.mend(store)
        if store.git_dir.joinpath(BASE_REF).exists():
            return removed
        raise SnapshotError(f"the snapshot in {run_dir} is damaged; start a new run")

    @classmethod
    def open(cls, run_dir: Path) -> Base:
        """The base that an earlier `take` left in `run_dir`."""
        run_dir = run_dir.resolve()
        with in_words(f"open the snapshot in {run_dir}"):
            try:
                meta = json.loads((run_dir / "base.json").read_text())
            except (FileNotFoundError, ValueError) as error:
                raise SnapshotError(f"{run_dir} holds no finished snapshot; start a new run") from error
            store = _store(run_dir)
            return cls(
                run_dir,
                Path(meta["repo"]),
                meta["prefix"],
                meta["commit"],
                meta["tree"],
                read_tree(store, meta["commit"]),
                read_tree(store, meta["products"]),
            )

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of the base, sorted."""
        return tuple(self.entries)

    @property
    def store(self) -> Repository:
        """The private repository."""
        return _store(self.run_dir)

    def read(self, path: str) -> bytes:
        """The bytes of a file of the base (of a link: its target). KeyError if it has no such file."""
        return self.store.run("cat-file", "blob", self.entries[path].oid)

    def read_many(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """The same for many files, over one git process: a process a file would cost milliseconds each."""
        with self.store.blobs() as blob:
            for path in paths:
                yield path, blob(self.entries[path].oid)

    def checkout(self, name: str, changes: Changes | None = None) -> Path:
        """A git worktree at run_dir/worktrees/NAME with base plus changes; it replaces one of that name."""
        changes = self.checked(changes)
        place = self._place(name)
        self.remove(name)
        with in_words(f"make the worktree {place}"):
            place.parent.mkdir(exist_ok=True)
            self.store.run("worktree", "add", "--quiet", "--detach", "--no-checkout", str(place), self.commit)
            self._fill(name, changes)
        return place

    def restore(self, name: str, changes: Changes | None = None, keep: Collection[str] = ()) -> None:
        """Put an existing checkout back to base plus changes, whatever has been done to it.

        `keep`: directories in it that are mounted over in an open sandbox, and stay.
        """
        changes = self.checked(changes)
        with in_words(f"restore the worktree {self._place(name)}"):
            self._fill(name, changes, keep)

    def remove(self, name: str) -> None:
        """Remove a checkout, with its entry in the private repository. Fine if there is none."""
        place = self._place(name)
        with in_words(f"remove the worktree {place}"):
            for parent in (place.parent, self.store.git_dir / "worktrees"):
                if parent.is_dir():
                    with directory(parent) as handle:
                        remove(handle, name)

    def diff(self, changes: Changes) -> str:
        """The changes as a patch (surrogateescape text), empty if they change nothing.

        `git apply` takes it anywhere in the user's repository: its paths start at the top of that.
        """
        changes = self.checked(changes)
        with in_words("write the patch"):
            patched = self.keep(changes, PATCH_REF)
            patch = self.store.run(
                "diff", "--binary", "--no-color", "--no-renames", "--no-ext-diff", "--no-textconv",
                f"--src-prefix=a/{self.prefix}", f"--dst-prefix=b/{self.prefix}", self.commit, patched,
            )  # fmt: skip
        return patch.decode("utf-8", "surrogateescape")

    def keep(self, changes: Changes, ref: str) -> str:
        """Commit base plus changes at a ref of the private repository; the commit's id. Nothing else changes."""
        changes = self.checked(changes)
        with in_words(f"keep a state as {ref}"):
            files = patch_content({p: d for p, d in changes.items() if d is not None}, self.entries)
            gone = [path for path, data in changes.items() if data is None]
            return write_commit(self.store, ref, files, self.commit, gone)

    def kept(self, commit: str) -> dict[str, bytes | None]:
        """The changes that a commit of `keep` holds. SnapshotError if it is not there, or not whole."""
        with in_words(f"read the state {commit}"):
            there = read_tree(self.store, commit)
            with self.store.blobs() as blob:
                changes: dict[str, bytes | None] = {
                    path: blob(entry.oid) for path, entry in there.items() if self.entries.get(path) != entry
                }
        return changes | dict.fromkeys(self.entries.keys() - there.keys())

    def checked(self, changes: Changes | None) -> dict[str, bytes | None]:
        """A copy of the changes, without those that change nothing. SnapshotError if a path is not acceptable."""
        return paths.checked(changes or {}, self.entries, self.products)

    def _place(self, name: str) -> Path:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
            raise SnapshotError(f"{name!r} cannot be the name of a worktree")
        return self.run_dir / "worktrees" / name

    def altered(self, name: str, changes: Changes | None, watched: Callable[[str], bool]) -> list[str]:
        """The watched files of a checkout that are not as base plus changes has them: rewritten, removed or added.

        Nothing is opened through a link. Caches and what begins with a dot are passed over.
        """
        place = self._place(name)
        wanted = {path: entry for path, entry in self._wanted(self.checked(changes)).items() if watched(path)}
        with in_words(f"look at the worktree {place}"):
            there = {path for path in worktree.listed(place) if watched(path)}
            return sorted(
                path for path in there | wanted.keys() if path not in wanted or entry_below(place, path) != wanted[path]
            )

    def _wanted(self, changes: dict[str, bytes | None]) -> dict[str, Entry]:
        """The files of a checkout, products included."""
        wanted = {**self.products, **self.entries}
        for path, data in changes.items():
            if data is None:
                del wanted[path]
            else:
                wanted[path] = entry_of(data, wanted[path].mode if path in wanted else FILE)
        return wanted

    def _fill(self, name: str, changes: dict[str, bytes | None], keep: Collection[str] = ()) -> None:
        """Make the worktree exactly base, products and changes; what is so already is left alone."""
        link = f"gitdir: {self.store.git_dir}/worktrees/{name}\n".encode()
        own = {path: data for path, data in changes.items() if data is not None} | {".git": link}
        wanted = self._wanted({**changes, ".git": link})
        with self.store.blobs() as blob:

            def read(path: str) -> bytes:
                return own[path] if path in own else blob(wanted[path].oid)

            worktree.fill(self._place(name), wanted, read, _with_parents(keep))


def _with_parents(paths: Iterable[str]) -> frozenset[str]:
    parts = [path.split("/") for path in paths]
    return frozenset("/".join(names[:depth]) for names in parts for depth in range(1, len(names) + 1))


def _store(run_dir: Path) -> Repository:
    return Repository(run_dir / "base.git")


def _checked_places(repo: Path, run_dir: Path) -> tuple[Path, Path]:
    with in_words(f"read {repo}"):
        if not repo.exists():
            raise WrongRepository(f"{repo} does not exist; name the repository with --repo")
        if not repo.is_dir():
            raise WrongRepository(f"{repo} is not a directory; name the repository with --repo")
        repo, run_dir = repo.resolve(), run_dir.resolve()
    if is_bare(repo) and not os.path.lexists(repo / ".git"):
        raise WrongRepository(f"{repo} is a bare git repository, without files to work on; clone it and use the clone")
    if run_dir.is_relative_to(repo):
        raise WrongRepository(f"the run directory {run_dir} lies inside the repository; set CODER_HOME to one outside")
    return repo, run_dir


def _snapshot(repo: Path, run_dir: Path, max_files: int, max_bytes: int) -> None:
    """Write base.git and, last of all, base.json: without that there is no snapshot."""
    listing = list_files(repo, max_files)
    store = _store(run_dir)
    store.run("init", "--quiet", "--bare", "--template=", "--object-format=sha1", str(store.git_dir), cwd=run_dir)
    store.run("config", "core.compression", "0")  # speed: it lives as long as the run
    (store.git_dir / "info").mkdir(exist_ok=True)
    (store.git_dir / "info" / "attributes").write_text(ATTRIBUTES)
    commit = write_commit(store, BASE_REF, _contents(repo, listing.files, max_bytes))
    products = write_commit(store, PRODUCTS_REF, _contents(repo, _small_enough(repo, listing.products), max_bytes))
    prefix = prefix_in(find_repository(repo), repo)
    meta = {"repo": str(repo), "prefix": prefix, "commit": commit, "products": products}
    meta["tree"] = store.text("rev-parse", f"{commit}^{{tree}}")
    durable.sync_tree(store.git_dir)
    durable.write_durably(run_dir / "base.json", json.dumps(meta).encode())


def _small_enough(repo: Path, products: list[str]) -> list[str]:
    """The products, smallest first, as many as fit."""
    sized = sorted((os.lstat(repo / path).st_size, path) for path in products if os.path.lexists(repo / path))
    kept, total = [], 0
    for size, path in sized:
        total += size
        if total > PRODUCT_BYTES:
            break
        kept.append(path)
    return kept


def _contents(repo: Path, listed: Iterable[str], max_bytes: int) -> Iterator[Content]:
    """The listed files as they are on disk; those that are gone, or are neither file nor link, left out."""
    total = 0
    linked: dict[str, bool] = {"": False}
    for path in listed:
        if _behind_link(repo, path.rpartition("/")[0], linked):
            continue
        try:
            content = _content(repo, path)
        except (FileNotFoundError, NotADirectoryError):
            continue  # deleted in the working tree, or just now
        if content is None:
            continue
        total += content.size
        if total > max_bytes:
            raise SnapshotError(
                f"the files of {repo} that are not ignored are more than {max_bytes >> 20} MB; "
                "point --repo at the part that is to be fixed, or add what is generated to .gitignore"
            )
        yield content


def _behind_link(repo: Path, path: str, known: dict[str, bool]) -> bool:
    """Is `path`, a directory, a link or below one? `known` remembers the answers."""
    if path not in known:
        known[path] = _behind_link(repo, path.rpartition("/")[0], known) or (repo / path).is_symlink()
    return known[path]


def _content(repo: Path, path: str) -> Content | None:
    status = os.lstat(repo / path)
    if stat.S_ISLNK(status.st_mode):
        target = bytes((repo / path).readlink())
        return Content(path, LINK, len(target), (target,))
    if not stat.S_ISREG(status.st_mode):
        return None
    # Opened here, not when the chunks are asked for: an unreadable file is named before git is in the middle of it.
    handle = os.open(repo / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    size = os.fstat(handle).st_size
    mode = EXECUTABLE if status.st_mode & 0o100 else FILE
    return Content(path, mode, size, _chunks(handle, size, path))


def _chunks(handle: int, size: int, path: str) -> Iterator[bytes]:
    """Exactly `size` bytes of the open file, which is closed after them."""
    with os.fdopen(handle, "rb") as file:
        while size:
            chunk = file.read(min(size, CHUNK))
            if not chunk:
                raise SnapshotError(
                    f"{shown_name(path)} changed while it was read; try again when nothing writes to it"
                )
            size -= len(chunk)
            yield chunk
