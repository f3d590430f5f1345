"""coder sandbox check, coder sandbox build, coder sandbox shell"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from coder.cli.options import HERE, Json
from coder.cli.terminal import print_json, print_text, say
from coder.cli.text import clean, count
from coder.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from coder_sandbox.client import AgentClient

SHELL = ("sh", "-c", "command -v bash >/dev/null && exec bash --norc -i || exec sh -i")
DAY = 86_400.0  # seconds that a command may take

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

AllowHost = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME[:PORT]", help="Let it reach this host alone. May be given more than once."),
]
Network = Annotated[bool, typer.Option("--network", help="Let it reach the network.")]
Where = Annotated[Path, typer.Option(help="The repository, or any directory.", show_default=False)]


@contextmanager
def _faults() -> Iterator[None]:
    """What the sandbox cannot do is the environment's fault: exit code 3."""
    from coder_sandbox.contract import SandboxError
    from coder_sandbox.snapshot import SnapshotError

    try:
        yield
    except (SandboxError, SnapshotError) as error:
        raise EnvironmentFault(str(error)) from error


@app.command()
def build(
    repo: Where = HERE,
    base: Annotated[
        str, typer.Option(metavar="IMAGE", help="A local image with Python and pip. Without it: the newest python:...")
    ] = "",
    wheels: Annotated[Path | None, typer.Option(metavar="DIR", help="A directory of wheels to install from.")] = None,
    network: Network = False,
    allow_host: AllowHost = None,
    as_json: Json = False,
) -> int:
    """Make a container image with what the repository's tests need, from its lock file, requirements or pyproject.toml.

    Packages come from the base image and --wheels alone, unless --allow-host or --network opens the way to an index.
    """
    from coder_sandbox.build import Reach, build_image

    if wheels is not None and not wheels.is_dir():
        raise UsageError(f"--wheels {wheels}: no such directory")
    if not repo.is_dir():
        raise UsageError(f"--repo {repo}: no such directory")
    with _faults():
        built = build_image(
            repo, base, Reach(wheels, network, tuple(allow_host or ())), lambda words: say(f"{words} ...")
        )
    found = built.requirements
    if as_json:
        print_json(
            {
                "schema": "coder.image/1", "image": built.name, "base": built.base, "cached": built.cached,
                "requirements": list(found.lines), "sources": list(found.sources), "left_out": list(found.left_out),
            }
        )  # fmt: skip
        return 0
    where = ", ".join(found.sources) or "nothing that says what is needed"
    say(f"{'it was there already' if built.cached else 'made'}: {count(len(found.lines), 'requirement')} from {where}")
    if found.left_out:
        say(f"not installed, since no index has them: {', '.join(found.left_out)}")
    say(f"use it with: coder fix --repo {repo} --image {built.name}")
    print_text(built.name)
    return 0


@app.command()
def check(
    sandbox: Annotated[str, typer.Option(metavar="KIND", help="auto (both), docker or bwrap.")] = "auto",
    as_json: Json = False,
) -> int:
    """Try on this machine to break each promise, in each backend. Exit code 0 if all hold in one that works, else 3."""
    if sandbox not in ("auto", "docker", "bwrap"):
        raise UsageError(f"--sandbox {sandbox}: auto, docker or bwrap can be checked")
    kinds = ("bwrap", "docker") if sandbox == "auto" else (sandbox,)
    backends = [_checked(kind, live=not as_json) for kind in kinds]
    able = any(backend["ok"] for backend in backends) and all(b["ok"] for b in backends if b["works"])
    if as_json:
        print_json({"schema": "coder.check/1", "ok": able, "backends": backends})
    return 0 if able else EnvironmentFault.exit_code


def _checked(kind: Any, *, live: bool) -> dict[str, Any]:
    """One backend's outcomes; printed as they come where `live`."""
    from coder_sandbox.choose import probe
    from coder_sandbox.contract import SandboxError
    from coder_sandbox.promises import check as promises

    works, words = probe(kind)
    rows = []
    if live:
        print_text(f"{kind}: {words}")
    try:
        for outcome in promises(kind) if works else ():
            rows.append({"promise": outcome.promise, "ok": outcome.ok, "reason": outcome.reason})
            if live:
                print_text(f"  {'pass' if outcome.ok else 'FAIL':<6}{outcome.promise:<46}{outcome.reason}".rstrip(), 54)
    except SandboxError as error:
        works, words = False, str(error)
        if live:
            print_text(f"  {words}")
    ok = works and bool(rows) and all(row["ok"] for row in rows)
    return {"backend": kind, "works": works, "words": words, "ok": ok, "promises": rows}


@app.command(context_settings={"ignore_unknown_options": True})
def shell(
    command: Annotated[list[str] | None, typer.Argument(metavar="[-- COMMAND...]", help="Run this and end.")] = None,
    repo: Where = HERE,
    sandbox: Annotated[str, typer.Option(metavar="KIND", help="auto, docker or bwrap.")] = "auto",
    image: Annotated[str, typer.Option(metavar="NAME", help="In this container image.")] = "",
    network: Network = False,
    allow_host: AllowHost = None,
) -> int:
    """Open a shell in the sandbox, over a copy of the repository that is thrown away. The exit code is the shell's."""
    if sandbox not in ("auto", "docker", "bwrap"):
        raise UsageError(f"--sandbox {sandbox}: auto, docker or bwrap")
    if not repo.is_dir():
        raise UsageError(f"--repo {repo}: no such directory")
    with _faults(), _opened(repo.resolve(), sandbox, image, network, tuple(allow_host or ())) as box:
        if not command and sys.stdin.isatty() and sys.stdout.isatty():
            from coder_sandbox.terminal import attach

            say(f"a copy of {repo} in {box.name}; what you change here is thrown away")
            return attach(box, SHELL)
        done = box.run(command or SHELL[:1], timeout=DAY, stdin="" if command else sys.stdin.read())
    for text, stream in ((done.stdout, sys.stdout), (done.stderr, sys.stderr)):
        stream.write(clean(text) if stream.isatty() else text)
    if done.exit_code is None:
        raise UsageError(done.stderr.strip())
    if done.killed_by:
        say(f"coder: ended: {done.killed_by}")
    return done.exit_code if done.exit_code >= 0 else 128 - done.exit_code


@contextmanager
def _opened(repo: Path, kind: Any, image: str, network: bool, allow_hosts: tuple[str, ...]) -> Iterator[AgentClient]:
    """A sandbox over a checkout of the repository's snapshot, both gone afterwards."""
    from coder_sandbox.choose import open_sandbox
    from coder_sandbox.content import choose_content
    from coder_sandbox.contract import Limits, Workspace
    from coder_sandbox.owner import sweep, temporary_directory
    from coder_sandbox.safe_files import directory, remove
    from coder_sandbox.snapshot import Base

    sweep()
    with ExitStack() as undo:
        made = temporary_directory("shell")
        handle = undo.enter_context(directory(made.parent))
        undo.callback(remove, handle, made.name)
        base = Base.take(repo, made)
        kind, toolchain = choose_content(kind, image, repo, os.environ, None)
        workspace = Workspace(
            base.checkout("shell"),
            base.repo,
            toolchain.python,
            toolchain.mounts,
            label="shell",
            network=network,
            allow_hosts=allow_hosts,
            image=toolchain.image,
            env=toolchain.env,
        )
        box = cast("AgentClient", open_sandbox(kind, workspace, Limits()))
        undo.callback(box.close)
        yield box
