"""What the runner of GitHub Actions understands: its files, its log commands, and how to keep others off them."""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PRIVATE = re.compile(
    r"(GITHUB|ACTIONS|RUNNER|INPUT|STATE|CODER_ACTION)_|.*(TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE_?KEY).*", re.I
)
"""Variables that coder has no need of: the runner's own files and endpoints, and whatever may open a door."""


def public_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what is PRIVATE."""
    return {name: value for name, value in environ.items() if not PRIVATE.match(name)}


def append_output(file: Path, name: str, value: str) -> None:
    """Set an output. The delimiter is random, so that no value can end itself and set others."""
    delimiter = f"end-{secrets.token_hex(16)}"
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


@contextmanager
def no_commands() -> Iterator[None]:
    """Within this, the runner takes lines on stdout such as "::set-env" for what they are: text.

    What is run within must write to stdout too: only the order within one stream is certain.
    """
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        print(f"\n::{token}::", flush=True)


def annotate(level: str, message: str) -> None:
    """Show a notice, warning or error on the run's page."""
    escaped = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    sys.stdout.write(f"::{level} title=coder::{escaped}\n")
    sys.stdout.flush()
