"""Which files of the user's directory make up the base, and which build products its checkouts need besides."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .faults import SnapshotError
from .git import Repository

JUNK = frozenset(
    {
        *(".git", ".hg", ".svn", ".venv", "node_modules", "__pycache__", "__pypackages__", ".ipynb_checkpoints"),
        *(".tox", ".nox", ".eggs", ".cache", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
    }
)
"""Directories that hold nothing of the project, wherever they are: never taken unless git tracks what is in them."""
BUILD_OUTPUT = frozenset(("build", "dist"))
"""Junk as well where no git tells, unless they are packages."""
METADATA = (".egg-info", ".dist-info")
COMPILED = (".so", ".pyd")


@dataclass
class Listing:
    """Relative posix paths (surrogateescape)."""

    files: list[str] = field(default_factory=list)  # the base
    products: list[str] = field(default_factory=list)  # ignored, but imported


def find_repository(directory: Path) -> Repository | None:
    """The git repository of the user's that `directory` lies in. Its owner does not matter: nothing in it is run.

    None where there is none, or where git cannot read it (a linked worktree whose repository is not mounted here).
    """
    for top in (directory, *directory.parents):
        if os.path.lexists(top / ".git"):
            repository = Repository(top / ".git", top, private=False)
            return repository if repository.says("rev-parse", "--git-dir") else None
    return None


def prefix_in(repository: Repository | None, directory: Path) -> str:
    """What git puts before the paths of `directory`: "" at the top (or without git), else ending in a slash."""
    if repository is None or repository.work_tree is None or directory == repository.work_tree:
        return ""
    return directory.relative_to(repository.work_tree).as_posix() + "/"


def is_bare(directory: Path) -> bool:
    """Is this a repository without a working tree (or the inside of a .git)?"""
    return (directory / "HEAD").is_file() and all((directory / d).is_dir() for d in ("objects", "refs"))


def list_files(root: Path, max_files: int) -> Listing:
    """What the base of `root` is made of. SnapshotError if that is more than `max_files` files."""
    repository = find_repository(root)
    listing = _listed_by_git(root, repository) if repository else None
    if listing is None:
        listing = Listing(list(_walk(root, max_files)))
    if len(listing.files) > max_files:
        raise too_many(max_files)
    listing.files.sort()
    return listing


def too_many(max_files: int) -> SnapshotError:
    return SnapshotError(
        f"the repository has more than {max_files} files that are not ignored; "
        "point --repo at the part that is to be fixed, or add what is generated to .gitignore"
    )


def _listed_by_git(root: Path, repository: Repository) -> Listing | None:
    """As the user's git sees it; None where a repository further up ignores this whole directory."""
    tracked = repository.names("ls-files", "-z", "--cached", cwd=root)
    others = repository.names("ls-files", "-z", "--others", "--exclude-standard", cwd=root)
    if not tracked and not others and root != repository.work_tree:
        return None
    nested = [path for path in tracked if _is_directory(root / path)]
    nested += [path.rstrip("/") for path in others if path.endswith("/")]
    others = without_junk(path for path in others if not path.endswith("/"))
    listing = Listing(sorted({*tracked, *others}.difference(nested)))
    listing.products = _products(root, repository, listing.files)
    for path in nested:
        _add_nested(listing, root, path)
    return listing


def _add_nested(listing: Listing, root: Path, path: str) -> None:
    """The files of a submodule, or of a repository that stands untracked in this one, as plain files."""
    if JUNK.intersection(path.split("/")) or not os.path.lexists(root / path / ".git"):
        return  # a submodule that was never initialised is an empty directory
    below = list_files(root / path, max_files=2**62)
    listing.files += [f"{path}/{file}" for file in below.files]
    listing.products += [f"{path}/{file}" for file in below.products]


def without_junk(paths: Iterable[str]) -> list[str]:
    """Paths that are in no cache and in no virtual environment."""
    paths = list(paths)
    venvs = {path.rpartition("/")[0] for path in paths if path.endswith("/pyvenv.cfg")}

    def is_junk(path: str) -> bool:
        parents = [str(parent) for parent in PurePosixPath(path).parents][:-1]
        return bool(JUNK.intersection(path.split("/")[:-1]) or venvs.intersection(parents)) or path.endswith(".pyc")

    return [path for path in paths if not is_junk(path)]


def _products(root: Path, repository: Repository, files: list[str]) -> list[str]:
    """Ignored files without which the project cannot be imported: extension modules, generated modules, metadata."""
    ignored = repository.names("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", cwd=root)
    with_python = {path.rpartition("/")[0] for path in files if path.endswith(".py")}
    packages = {path.rpartition("/")[0] for path in files if path.endswith("__init__.py")}
    found = []
    for path in without_junk(ignored):
        parent, _, name = path.rstrip("/").rpartition("/")
        if not path.endswith("/"):
            if name.endswith(COMPILED) or (name.endswith(".py") and parent in with_python):
                found.append(path)
        elif name.endswith(METADATA) or (parent in packages and name not in JUNK):
            below = _walk(root / path, max_files=10_000)
            found += [path + f for f in below if name.endswith(METADATA) or f.endswith((".py", *COMPILED))]
    return found


def _walk(root: Path, max_files: int) -> Iterator[str]:
    """The files below a directory that git knows nothing of. Links are listed, never followed."""

    def unreadable(error: OSError) -> None:
        raise error

    count = 0
    for place, directories, names in os.walk(root, onerror=unreadable):
        if "pyvenv.cfg" in names and place != str(root):
            directories.clear()
            continue
        links = [d for d in directories if (Path(place) / d).is_symlink()]
        directories[:] = [d for d in directories if d not in links and not _is_junk(Path(place) / d)]
        prefix = Path(place).relative_to(root).as_posix() + "/" if place != str(root) else ""
        for name in (*names, *links):
            if not name.endswith(".pyc") and name != ".git":
                count += 1
                if count > max_files:
                    raise too_many(max_files)
                yield prefix + name


def _is_junk(directory: Path) -> bool:
    if directory.name in BUILD_OUTPUT:
        return not (directory / "__init__.py").exists()
    return directory.name in JUNK


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
