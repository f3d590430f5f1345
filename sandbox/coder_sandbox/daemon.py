"""The daemon that containers are asked of: Docker's, or Podman's over the same interface."""

from __future__ import annotations

import os
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from coder_sandbox.contract import Limits, SandboxError
from coder_sandbox.launch import identity

if TYPE_CHECKING:
    from docker import DockerClient

API_SECONDS = 60
PODMAN_PROCESSES = 32768  # what its service leaves itself
REMEDIES = {
    PermissionError: "Your user may not use the Docker daemon: `sudo usermod -aG docker $USER`, log in again, or use "
    "--sandbox bwrap.",
    FileNotFoundError: "The Docker daemon is not running or not installed: start it (`systemctl start docker`; for "
    "Podman: `systemctl --user start podman.socket`), or use --sandbox bwrap.",
    ConnectionRefusedError: "The Docker daemon does not answer: start it (`systemctl start docker`), or use "
    "--sandbox bwrap.",
}


def connect(environ: Mapping[str, str] = os.environ) -> DockerClient:
    """A client of the daemon that DOCKER_HOST names, else of the first socket there is.

    Raises SandboxError, with the remedy, if none answers or it is not permitted.
    """
    import docker
    from docker.errors import DockerException

    try:
        if environ.get("DOCKER_HOST"):
            client = docker.from_env(timeout=API_SECONDS, environment=dict(environ))
        else:
            client = docker.DockerClient(base_url=f"unix://{_socket(environ)}", timeout=API_SECONDS)
        client.ping()
    except (DockerException, OSError) as error:
        raise SandboxError(in_words(error)) from None
    return client


def sockets(environ: Mapping[str, str]) -> list[Path]:
    """Where a daemon may listen, the one to take first: Docker, then Docker and Podman of the user, then Podman."""
    places = [Path("/var/run/docker.sock")]
    if runtime := environ.get("XDG_RUNTIME_DIR"):
        places += [Path(runtime) / "docker.sock", Path(runtime) / "podman" / "podman.sock"]
    if home := environ.get("HOME"):
        places.append(Path(home) / ".docker" / "run" / "docker.sock")  # Docker Desktop
    return [*places, Path("/run/podman/podman.sock")]


def _socket(environ: Mapping[str, str]) -> Path:
    """The first that this user may use, else the first there is, else the usual one."""
    there = [place for place in sockets(environ) if _exists(place)]
    usable = [place for place in there if os.access(place, os.R_OK | os.W_OK)]
    return (usable or there or sockets(environ))[0]


def _exists(place: Path) -> bool:
    try:
        return place.is_socket()
    except OSError:
        return False


def elsewhere(info: Mapping[str, Any]) -> str:
    """Why this machine's own programs cannot be shown in the daemon's containers; "" if they can."""
    if info.get("KernelVersion") == os.uname().release:
        return ""
    return f"the Docker daemon ({info.get('OperatingSystem')}) runs on another machine or in a virtual one"


@dataclass(frozen=True)
class Daemon:
    """What daemons differ in: how the user inside is made the caller outside, so that every file stays the caller's."""

    podman: bool = False
    rootless: bool = False  # an ordinary user's

    @classmethod
    def of(cls, client: DockerClient) -> Self:
        """Ask the daemon. Raises DockerException."""
        info = client.info()
        options = info.get("SecurityOptions") or ()
        rootless = any("rootless" in str(option) for option in options) or info.get("Rootless") is True
        return cls("Podman Engine" in _engines(client), rootless)

    def identity(self) -> tuple[int, int]:
        """The user and group inside. A rootless daemon shows its user as root, who has that user's rights alone."""
        return (0, 0) if self.rootless else identity()

    def ulimits(self, limits: Limits) -> dict[str, int]:
        """Limits of a process. Podman asks for more than the caller's own where nothing is said, and is refused it."""
        files = {"nofile": limits.open_files}
        return files | {"nproc": _processes()} if self.podman else files


DOCKER = Daemon()


def _processes() -> int:
    """A limit of the user's processes that Podman's service, which lowers its own, can still grant."""
    most = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    return PODMAN_PROCESSES if most == resource.RLIM_INFINITY else min(most, PODMAN_PROCESSES)


def _engines(client: DockerClient) -> dict[str, str]:
    return {part.get("Name"): part.get("Version") for part in client.version().get("Components") or ()}


def name_of(client: DockerClient) -> str:
    """Which daemon it is, and its version."""
    engines = _engines(client)
    if "Podman Engine" in engines:
        return f"Podman {engines['Podman Engine']}"
    return f"Docker {client.version()['Version']}"


def in_words(error: BaseException) -> str:
    """The reason under the layers of a DockerException, and its remedy if it is a known one."""
    cause: BaseException | None = error
    seen: list[BaseException] = []
    while cause is not None and cause not in seen:
        seen.append(cause)
        for part in (cause, *_parts(cause.args)):
            for kind, remedy in REMEDIES.items():
                if isinstance(part, kind):
                    return remedy
        cause = cause.__cause__ or cause.__context__
    return str(getattr(error, "explanation", None) or error)


def _parts(args: Sequence[Any]) -> list[Any]:
    """Exceptions among the arguments of an exception, at any depth: requests and urllib3 pack them there."""
    found = []
    for arg in args:
        if isinstance(arg, BaseException):
            found += [arg, *_parts(arg.args)]
        elif isinstance(arg, tuple):
            found += _parts(arg)
    return found
