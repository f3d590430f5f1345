"""Container images that somebody else has made: whether one can be used here, and which Python is in it.

coder never pulls an image: what is not there is named, with the command that gets it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coder_sandbox.contract import SandboxError
from coder_sandbox.daemon import connect, in_words
from coder_sandbox.launch import HOME_INSIDE
from coder_sandbox.owner import Owner
from coder_sandbox.toolchain import SYSTEM_PATH, Toolchain

if TYPE_CHECKING:
    from docker import DockerClient

ASK_SECONDS = 30
ASK = "import json, os, sys; print(json.dumps([sys.executable, list(sys.version_info[:3]), os.environ.get('PATH')]))"
OLDEST = (3, 8)  # that the agent runs on
NOT_THERE = ("executable file not found", "no such file or directory", "not found in $path")


def inspected(client: DockerClient, name: str) -> Mapping[str, Any]:
    """What the daemon knows of a local image. Raises SandboxError if it is not there, or is for other machines."""
    from docker.errors import DockerException, ImageNotFound

    try:
        found: Mapping[str, Any] = client.images.get(name).attrs
        version = client.version()
    except ImageNotFound:
        raise SandboxError(
            f"There is no image {name} on this machine, and coder does not fetch any: `docker pull {name}`, "
            "or make one for this repository with `coder sandbox build`."
        ) from None
    except (DockerException, OSError, ValueError) as error:
        raise SandboxError(f"The image {name} cannot be looked at: {in_words(error)}") from None
    here = f"{version.get('Os')}/{version.get('Arch')}"
    there = f"{found.get('Os') or version.get('Os')}/{found.get('Architecture') or version.get('Arch')}"
    if there != here:
        raise SandboxError(
            f"The image {name} is for {there}, and this machine is {here}: `docker pull --platform {here} {name}`."
        )
    return found


def image_volumes(image: Mapping[str, Any]) -> tuple[str, ...]:
    """The places an image wants to write to, which would become unlimited directories on the host's disk."""
    return tuple(sorted((image.get("Config") or {}).get("Volumes") or ()))


def image_toolchain(name: str, python: str | None = None) -> Toolchain:
    """The Python in a local image: the one on its PATH, or the one that `python` names.

    Raises SandboxError: no daemon, no such image, wrong architecture, no Python in it, or one that is too old.
    """
    with contextlib.closing(connect()) as client:
        image = inspected(client, name)
        wanted = [python] if python else ["python3", "python"]
        for program in wanted:
            answer = run_in_image(client, name, [program, "-I", "-S", "-c", ASK])
            if answer is not None:
                break
        else:
            raise SandboxError(f"There is no {' or '.join(wanted)} in the image {name}: choose one with Python 3.8.")
    try:
        executable, version, path = json.loads(answer)
        found = Path(executable), tuple(version)
    except (ValueError, TypeError):
        raise SandboxError(f"{program} in the image {name} is no Python 3: it said {answer[:200]!r}.") from None
    if found[1] < OLDEST:
        words = ".".join(map(str, version))
        raise SandboxError(f"The Python in the image {name} is {words}: 3.8 is the oldest that tests can be run with.")
    identifier = str(image.get("Id", "")).removeprefix("sha256:")[:12]
    return Toolchain(found[0], (), {"PATH": path or SYSTEM_PATH}, f"image {name}, {identifier}", name)


def run_in_image(client: DockerClient, name: str, argv: Sequence[str]) -> str | None:
    """What a program of an image prints, None if it is not in it. It reaches nothing of the host.

    Raises SandboxError if it cannot be run, fails, or does not end in time.
    """
    from docker.errors import APIError, DockerException

    container = None
    try:
        container = client.containers.create(
            name,
            list(argv),
            entrypoint=[],
            labels={"coder.owner": str(Owner.me()), "coder.run": "image"},
            user="65534:65534",
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            mem_limit="512m",
            pids_limit=64,
            healthcheck={"test": ["NONE"]},
            use_config_proxy=False,
            environment={"HOME": HOME_INSIDE},
        )
        container.start()
        code = container.wait(timeout=ASK_SECONDS)["StatusCode"]
        output = container.logs(stdout=True, stderr=False, tail=50)[-4000:].decode("utf-8", "replace")
        errors = container.logs(stdout=False, stderr=True, tail=50)[-1000:].decode("utf-8", "replace")
    except APIError as error:
        if any(words in str(error).lower() for words in NOT_THERE):
            return None
        raise SandboxError(f"{argv[0]} of the image {name} cannot be started: {in_words(error)}") from None
    except (DockerException, OSError) as error:
        raise SandboxError(f"{argv[0]} of the image {name} cannot be run: {in_words(error)}") from None
    finally:
        if container is not None:
            with contextlib.suppress(DockerException, OSError):
                container.remove(force=True, v=True)
    if code == 127:
        return None
    if code != 0:
        raise SandboxError(f"{argv[0]} of the image {name} ended with {code}: {errors.strip() or output.strip()}")
    return output.strip()
