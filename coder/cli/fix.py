"""coder fix"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coder.cli.options import HERE, Json, Verbose
from coder.cli.terminal import print_json, say
from coder.errors import CoderError, UsageError

if TYPE_CHECKING:
    from coder.cli.attempt import Destination
    from coder.task import Request


def command(
    goal: Annotated[
        str,
        typer.Argument(
            metavar="[GOAL]", help='What to fix, such as "failing test X". Without it: every test that fails now.'
        ),
    ] = "",
    repo: Annotated[Path, typer.Option(help="The repository, or any directory.")] = HERE,
    test: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="A goal test, by its id. May be given more than once.")
    ] = None,
    test_cmd: Annotated[
        str | None, typer.Option(metavar="CMD", help="The command that runs the tests, such as 'pytest tests'.")
    ] = None,
    junit: Annotated[
        str, typer.Option(metavar="FILE", help="A JUnit XML report; the tests that fail in it are the goal.")
    ] = "",
    model: Annotated[
        str | None, typer.Option(help="auto, none, ollama:NAME, openai:NAME@URL or hf:DIR.", metavar="MODEL")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(metavar="MODEL", help="A model the supervisor asks where its rules are unsure.")
    ] = None,
    sandbox: Annotated[
        str | None, typer.Option(help="auto, docker, bwrap or none (none: no protection at all).", metavar="KIND")
    ] = None,
    time: Annotated[str | None, typer.Option(help="Wall time at most, such as 90s, 10m or 1h.")] = None,
    steps: Annotated[int | None, typer.Option(help="Steps at most.")] = None,
    tokens: Annotated[int | None, typer.Option(help="Model tokens at most.")] = None,
    tokens_in: Annotated[int | None, typer.Option(metavar="N", help="Tokens the model reads at most.")] = None,
    tokens_out: Annotated[int | None, typer.Option(metavar="N", help="Tokens the model writes at most.")] = None,
    model_calls: Annotated[int | None, typer.Option(metavar="N", help="Calls of the model at most.")] = None,
    test_runs: Annotated[int | None, typer.Option(metavar="N", help="Runs of a change's tests at most.")] = None,
    samples: Annotated[
        int | None, typer.Option(metavar="N", help="Answers of the model to one question at most, the best is kept.")
    ] = None,
    disk: Annotated[int | None, typer.Option(metavar="MB", help="Size of the run's record at most.")] = None,
    apply: Annotated[
        bool | None, typer.Option("--apply/--no-apply", help="Put a verified patch into the repository, or do not ask.")
    ] = None,
    commit: Annotated[bool, typer.Option("--commit", help="Commit a verified patch on the current branch.")] = False,
    branch: Annotated[
        str, typer.Option(metavar="NAME", help="Commit a verified patch on a new branch; the working tree stays.")
    ] = "",
    allow_test_edits: Annotated[
        bool, typer.Option("--allow-test-edits", help="Let tests, fixtures and test configuration be changed.")
    ] = False,
    allow_config_edits: Annotated[
        bool, typer.Option("--allow-config-edits", help="Let CI workflows and coder's own configuration be changed.")
    ] = False,
    verify: Annotated[
        str | None, typer.Option(metavar="SCOPE", help="all, or reachable: only tests that can reach the change.")
    ] = None,
    network: Annotated[bool, typer.Option("--network", help="Let the sandbox reach the network.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[:PORT]", help="Let the sandbox reach this host alone. May be given more than once."),
    ] = None,
    image: Annotated[
        str | None, typer.Option(metavar="NAME", help="Run in this container image, not with this machine's Python.")
    ] = None,
    image_file: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A picture for the model, such as a screenshot.")
    ] = None,
    as_json: Json = False,
    seed: Annotated[int | None, typer.Option(help="Seed of every random choice.")] = None,
    verbose: Verbose = False,
) -> int:
    """The patch is printed; it reaches the repository only with --apply, --commit, --branch or a yes."""
    given = {
        "test_cmd": test_cmd, "model": model, "sandbox": sandbox, "time": time, "steps": steps, "tokens": tokens,
        "tokens_in": tokens_in, "tokens_out": tokens_out, "model_calls": model_calls, "test_runs": test_runs,
        "samples": samples, "disk": disk, "judge": judge, "seed": seed,
        "apply": apply, "commit": commit or None, "branch": branch or None, "verify": verify,
        "allow_test_edits": allow_test_edits or None, "allow_config_edits": allow_config_edits or None,
        "network": network or None, "allow_host": allow_host or None, "image": image,
    }  # fmt: skip
    flags = {name: value for name, value in given.items() if value is not None}
    try:
        request, destination = _prepare(repo, goal, tuple(test or ()), junit, flags)
        request = replace(request, pictures=tuple(str(_picture(file)) for file in image_file or ()))
    except CoderError as error:
        if as_json:
            from coder.record.result import Result

            print_json(Result.of_fault(error).to_dict())
        raise
    from coder import run
    from coder.cli.attempt import attempt
    from coder.record.store import RunStore

    store = RunStore()
    return attempt(lambda listen: run.fix(request, store, listen), store, destination, as_json=as_json, verbose=verbose)


def _picture(file: Path) -> Path:
    from coder.models.images import KINDS

    if not file.is_file():
        raise UsageError(f"--image-file {file}: no such file")
    if file.suffix.lower() not in KINDS:
        raise UsageError(f"--image-file {file}: not a picture that models take; allowed: {', '.join(KINDS)}")
    return file.resolve()


def _prepare(
    repo: Path, goal: str, tests: tuple[str, ...], junit: str, flags: dict[str, Any]
) -> tuple[Request, Destination]:
    """The request, from the flags and the settings beneath them; warnings are said. UsageError if it is wrong."""
    from coder import config
    from coder.cli import landing
    from coder.cli.attempt import Destination
    from coder.task import Request

    if not repo.is_dir():
        what = "is not a directory" if repo.exists() else "does not exist"
        raise UsageError(f"--repo {repo}: {what}")
    if junit and not Path(junit).is_file():
        raise UsageError(f"--junit {junit}: no such file")
    repo = repo.resolve()
    loaded = config.load(repo, flags)
    for warning in loaded.warnings:
        say(f"coder: warning: {warning}")
    settings = loaded.settings
    request = Request(
        repo=repo,
        goal=goal,
        tests=tests,
        test_cmd=settings.test_cmd,
        junit=str(Path(junit).resolve()) if junit else "",
        model=settings.model,
        sandbox=settings.sandbox,
        time=settings.time,
        steps=settings.steps,
        tokens=settings.tokens,
        tokens_in=settings.tokens_in,
        tokens_out=settings.tokens_out,
        model_calls=settings.model_calls,
        test_runs=settings.test_runs,
        samples=settings.samples,
        disk=settings.disk,
        judge=settings.judge,
        verify=settings.verify,
        allow_test_edits=settings.allow_test_edits,
        allow_config_edits=settings.allow_config_edits,
        network=settings.network,
        allow_hosts=settings.allow_host,
        image=settings.image,
        seed=settings.seed,
    )
    destination = Destination.choose(flags, settings)
    if destination.goes in ("commit", "branch"):
        landing.refuse_impossible(repo, destination.branch)
    return request, destination
