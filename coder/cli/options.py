"""Arguments that several verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, or an unambiguous part of it.")]
RunOrNewest = Annotated[str, typer.Argument(metavar="[RUN]", help="A run; without it, the repository's newest.")]
Repo = Annotated[Path, typer.Option(help="The repository, where no run is named.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show every step, and tracebacks.")]
HERE = Path()
