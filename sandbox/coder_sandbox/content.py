"""What a sandbox is filled with: the host's own toolchain, or an image where it is asked for or nothing else works."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from coder_sandbox.choose import Kind, best
from coder_sandbox.contract import SandboxError
from coder_sandbox.toolchain import Toolchain, find_toolchain


def choose_content(
    kind: Kind, image: str, repo: Path, environ: Mapping[str, str], python: str | None
) -> tuple[Kind, Toolchain]:
    """Decide the backend and the toolchain for a repository; `image` and `python` are what the user named, if anything.

    An image that nobody named is taken only where there is no other way.

    Raises SandboxError, with what to do, if there is no sandbox, no such image, or no usable Python.
    """
    if image:
        if kind not in ("auto", "docker"):
            raise SandboxError(f"--image needs Docker or Podman; --sandbox {kind} shows this machine's own programs.")
        from coder_sandbox.images import image_toolchain

        return "docker", image_toolchain(image, python)
    kind = best() if kind == "auto" else kind
    reason = _no_host_toolchain() if kind == "docker" else ""
    if not reason:
        return kind, find_toolchain(repo, environ, python)
    from coder_sandbox.build import newest_image
    from coder_sandbox.images import image_toolchain

    built = newest_image(repo)
    if not built:
        raise SandboxError(
            f"This machine's Python cannot be used: {reason}. Make an image with the repository's dependencies "
            "(`coder sandbox build`), or name one with --image."
        )
    toolchain = image_toolchain(built, python)
    return kind, replace(toolchain, source=f"{toolchain.source}; chosen because {reason}")


def _no_host_toolchain() -> str:
    from coder_sandbox.daemon import connect, elsewhere

    with contextlib.closing(connect()) as client:
        return elsewhere(client.info())
