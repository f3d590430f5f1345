"""git as coder runs it: a repository named explicitly, nothing executed on its behalf, bytes in and out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .faults import SnapshotError

OVERRIDES = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.pager": "cat",
    "core.sshCommand": "false",
    "credential.helper": "",
    "protocol.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "core.quotePath": "false",
}
"""Set over every configuration: no program is started, nothing is fetched, nothing tidies up in the background."""
OPTIONS = tuple(part for key, value in OVERRIDES.items() for part in ("-c", f"{key}={value}"))
"""OVERRIDES as git's command line takes them."""

ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "",  # stronger than protocol.*.allow, which a repository's own configuration can set
    "GIT_ASKPASS": "false",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_ATTR_NOSYSTEM": "1",
}
PRIVATE_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
IDENTITY = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
"""The only variables of git's that are taken over from the caller, who may himself be a git hook."""


class GitError(SnapshotError):
    """git refused. `detail` is its own message."""

    def __init__(self, command: str, detail: str) -> None:
        self.detail = detail
        if "No space left on device" in detail or "Disk quota exceeded" in detail:
            detail = "the disk is full; free some space, or set CODER_HOME to a directory on another disk"
        super().__init__(f"git {command} failed: {detail or 'no reason given'}")


@dataclass(frozen=True)
class Repository:
    """One repository, by its explicit git directory: nothing is discovered, so nothing can be planted.

    `private` repositories are coder's own and see no configuration but their own; the user's are read with
    the user's configuration (identity, ignored files), which OVERRIDES makes harmless.
    """

    git_dir: Path
    work_tree: Path | None = None
    private: bool = True

    def run(
        self,
        *args: str,
        stdin: bytes | Iterable[bytes] = b"",
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> bytes:
        """The standard output of `git ARGS`. Raises GitError if it fails."""
        process = self._start(args, cwd, env)
        try:
            if not isinstance(stdin, bytes):
                with suppress(BrokenPipeError):  # git ended early: its own message tells why
                    for chunk in stdin:
                        process.stdin.write(chunk)
                stdin = b""
            out, err = process.communicate(stdin)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        if process.returncode != 0:
            raise GitError(args[0], err.decode(errors="backslashreplace").strip())
        return bytes(out)

    def text(self, *args: str, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        """The output of `git ARGS` without the newline at its end."""
        return os.fsdecode(self.run(*args, stdin=stdin, env=env)).rstrip("\n")

    def says(self, *args: str) -> str | None:
        """As `text`, but None where git answers with a failure."""
        try:
            return self.text(*args)
        except GitError:
            return None

    def names(self, *args: str, cwd: Path | None = None) -> list[str]:
        """The NUL-separated names that `git ARGS` prints."""
        return [os.fsdecode(name) for name in self.run(*args, cwd=cwd).split(b"\0") if name]

    @contextmanager
    def blobs(self) -> Iterator[Callable[[str], bytes]]:
        """A reader of blobs by id, over one git process. KeyError if there is no such blob."""
        process = self._start(("cat-file", "--batch"), None, None)

        def read(oid: str) -> bytes:
            process.stdin.write(oid.encode() + b"\n")
            process.stdin.flush()
            head = process.stdout.readline().split()
            if len(head) != 3:
                raise KeyError(oid)
            data: bytes = process.stdout.read(int(head[2]) + 1)
            return data[:-1]

        try:
            yield read
        finally:
            process.communicate()

    def _start(self, args: tuple[str, ...], cwd: Path | None, env: Mapping[str, str] | None) -> Any:
        """Start git. GitPython adds to the caller's environment but cannot take from it, hence `env -u`."""
        cmd = _git_module()
        dropped = [f"-u{name}" for name in os.environ if name.startswith("GIT_") and name not in IDENTITY]
        where = [f"--git-dir={self.git_dir}", *([f"--work-tree={self.work_tree}"] if self.work_tree else [])]
        ours = {**ENVIRONMENT, **(PRIVATE_ENVIRONMENT if self.private else {}), **(env or {})}
        return cmd.Git(cwd or self.work_tree or self.git_dir.parent).execute(
            # `env` drops first and sets afterwards, so ours are given to it and not to the process.
            ["env", *dropped, *(f"{k}={v}" for k, v in ours.items()), "git", *OPTIONS, *where, *args],
            as_process=True,
            istream=-1,  # subprocess.PIPE
        )


def _git_module() -> Any:
    """GitPython, loaded only now: it is slow to import and refuses to where there is no git."""
    if not shutil.which("git"):
        raise SnapshotError("git is not installed (or not on PATH); install git 2.30 or newer")
    from git import cmd

    return cmd
