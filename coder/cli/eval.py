"""coder eval"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from coder.cli.terminal import console, say

_INTERRUPTED = 130


def command(
    dataset: Annotated[Path, typer.Argument(help="A directory of task directories, or a .jsonl file.")],
    jobs: Annotated[int, typer.Option(min=1, help="Tasks at the same time.")] = 1,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep results.jsonl, report and logs here.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in --out already.")] = False,
    model: Annotated[str | None, typer.Option(metavar="MODEL", help="As for fix.")] = None,
    sandbox: Annotated[str | None, typer.Option(metavar="KIND", help="As for fix.")] = None,
    image: Annotated[str | None, typer.Option(metavar="NAME", help="As for fix.")] = None,
    time: Annotated[str | None, typer.Option(help="Wall time a task at most, such as 90s or 10m.")] = None,
) -> int:
    """Exit code 0 when every task was run and no claim was false, 1 otherwise, 130 when interrupted."""
    from coder import config
    from coder.evaluate.harness import evaluate
    from coder.evaluate.report import live, print_report

    flags = {"model": model, "sandbox": sandbox, "image": image, "time": time}
    given = {name: value for name, value in flags.items() if value is not None}
    loaded = config.load(dataset if dataset.is_dir() else dataset.parent, given)
    for warning in loaded.warnings:
        say(f"coder: warning: {warning}")
    settings = loaded.settings
    screen = console(sys.stderr)
    with live(screen) as listen:
        report = evaluate(
            dataset,
            jobs=jobs,
            out=out,
            resume=resume,
            listen=listen,
            sandbox=settings.sandbox,
            image=settings.image,
            model=settings.model,
            time=settings.time,
            seed=settings.seed,
        )
    print_report(report, screen)
    if report.interrupted:
        return _INTERRUPTED
    return 1 if report.ids("false_claim") or any(o.status == "error" for o in report.outcomes) else 0
