"""The Docker sandbox: a container of an image, or of an empty one with the host's own toolchain in it, read-only.

The `docker` package is imported when a container is asked for and not before.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import select
import socket
import tarfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coder_sandbox.cgroup import MEBIBYTES, TASKS
from coder_sandbox.client import AgentClient
from coder_sandbox.contract import Limits, Mount, SandboxError, Workspace
from coder_sandbox.daemon import DOCKER, Daemon, connect, elsewhere, in_words, name_of
from coder_sandbox.images import image_volumes, inspected
from coder_sandbox.launch import (
    AGENT,
    AGENT_INSIDE,
    NAME_SERVERS,
    PROXY_INSIDE,
    SYSTEM_DIRECTORIES,
    agent_command,
    environment,
    etc_files,
    host_files,
    identity,
    in_order,
    with_allowed_hosts,
)
from coder_sandbox.owner import Owner, temporary_directory
from coder_sandbox.ownership import lend, mount_points
from coder_sandbox.safe_files import directory, remove
from coder_sandbox.wire import CHUNK, LAST_WORDS

if TYPE_CHECKING:
    from docker import DockerClient

REPOSITORY = "coder-empty"
MARK = "container-"  # a directory so labelled tells the next start, whichever sandbox it uses, to look for containers
REMOVE_SECONDS = 10.0


@dataclass(frozen=True)
class Content:
    """What a container is filled with, next to the worktree: an image, and read-only mounts over it."""

    image: str
    mounts: tuple[Mount, ...] = ()
    volumes: tuple[str, ...] = ()  # places the image wants to write to


def profile(workspace: Workspace, limits: Limits, content: Content, daemon: Daemon = DOCKER) -> dict[str, Any]:
    """The arguments of `containers.create`."""
    from docker.types import LogConfig, Ulimit

    uid, gid = daemon.identity()
    tmpfs = f"rw,exec,nosuid,nodev,mode=1777,size={limits.tmp_mb}m"
    if not daemon.podman:  # there the mode may be that of the directory which is there in the image
        tmpfs += f",uid={uid},gid={gid}"
    relay = PROXY_INSIDE if workspace.allow_hosts else None
    read_only = [(mount.host, mount.inside, False) for mount in content.mounts]
    binds = [*read_only, (AGENT, AGENT_INSIDE, False), *in_order(workspace)]
    return {
        "image": content.image,
        "command": agent_command(workspace.python, AGENT_INSIDE, limits, workspace.inside, relay=relay),
        "entrypoint": [],
        "environment": environment(workspace),
        "working_dir": str(workspace.inside),
        "hostname": "coder",
        "labels": {"coder.run": workspace.label, "coder.owner": str(Owner.me())},
        "user": f"{uid}:{gid}",  # never the host's root: the worktree is lent to this user
        "stdin_open": True,  # attached once: when coder dies its end closes, and the agent ends
        "auto_remove": True,  # and with the agent the container
        # No `init`: the agent is the first process itself. It adopts and buries what daemonises, cannot be stopped
        # from inside, and does not let its descriptors be opened through /proc, which Docker's init would.
        "network_mode": "bridge" if workspace.network else "none",
        "read_only": True,
        "mounts": [_bind(*bind) for outer in binds for bind in _with_mounts_below(*outer)],
        "tmpfs": dict.fromkeys(("/tmp", *content.volumes), tmpfs),
        "healthcheck": None if daemon.podman else {"test": ["NONE"]},  # nothing of an image runs but what is asked for
        "use_config_proxy": False,  # the client's own proxies, with their passwords, would be set inside
        "shm_size": f"{limits.tmp_mb}m",
        "ipc_mode": "private",
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],  # setuid programs of /usr stay without effect
        "ulimits": [Ulimit(name=name, soft=most, hard=most) for name, most in daemon.ulimits(limits).items()],
        "pids_limit": limits.processes + TASKS,
        "mem_limit": f"{limits.memory_mb + MEBIBYTES}m",
        "memswap_limit": f"{limits.memory_mb + MEBIBYTES}m",  # equal: no swap
        "nano_cpus": int(limits.cpus * 1e9) or None,
        "log_config": LogConfig(type="none"),  # output goes to coder, not to the host's disk
    }


def _bind(host: Path, inside: Path, writable: bool) -> dict[str, Any]:
    from docker.types import Mount as Bind

    bind = Bind(str(inside), str(host), type="bind", read_only=not writable)
    bind["BindOptions"] = {"NonRecursive": True}  # of a recursive one Docker leaves what is mounted below writable
    return dict(bind)


def _with_mounts_below(host: Path, inside: Path, writable: bool) -> list[tuple[Path, Path, bool]]:
    """A bind and, each as a bind of its own, the file systems that the host has mounted below it."""
    found = [(host, inside, writable)]
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        place = Path(os.fsdecode(line.split()[4].decode("unicode_escape").encode("latin-1")))  # a space is \040
        if host in place.parents:
            found.append((place, inside / place.relative_to(host), writable))
    return found


def fill(client: DockerClient, workspace: Workspace) -> Content:
    """The image that the workspace names, or the host's toolchain. Raises SandboxError if it cannot be had."""
    if workspace.image:
        return Content(workspace.image, (), image_volumes(inspected(client, workspace.image)))
    if reason := elsewhere(client.info()):
        raise SandboxError(f"This machine's programs cannot be shown in a container: {reason}. Name an --image.")
    return host_toolchain(client, workspace)


def host_toolchain(client: DockerClient, workspace: Workspace) -> Content:
    """The host's /usr and a little of its /etc over an empty image, which is made if it is not there."""
    paths = [*SYSTEM_DIRECTORIES, *host_files(workspace)]
    if workspace.network:
        paths.remove(NAME_SERVERS)  # Docker writes one that works from inside
    mounts = [Mount(Path(os.path.realpath(path)), Path(path)) for path in paths if _mountable(path)]
    return Content(_empty_image(client), tuple(mounts))


def _mountable(path: str) -> bool:
    is_link = Path(path).is_symlink() and path in SYSTEM_DIRECTORIES  # such links are in the image itself
    return Path(path).exists() and not is_link


def _empty_image(client: DockerClient) -> str:
    """An image with nothing but the links of a merged /usr, the few files of /etc, and /tmp."""
    from docker.errors import ImageNotFound

    data = _tar()
    name = f"{REPOSITORY}-{hashlib.sha256(data).hexdigest()[:12]}"  # not as a tag, which Podman does not heed here
    try:
        client.images.get(f"{name}:latest")
    except ImageNotFound:
        client.api.import_image_from_data(data, repository=name, tag="latest")
    return f"{name}:latest"


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in SYSTEM_DIRECTORIES:
            if Path(name).is_symlink():
                link = tarfile.TarInfo(name.lstrip("/"))
                link.type, link.linkname = tarfile.SYMTYPE, str(Path(name).readlink())
                tar.addfile(link)
        tmp = tarfile.TarInfo("tmp")
        tmp.type, tmp.mode = tarfile.DIRTYPE, 0o1777  # the mode that the tmpfs over it is given
        tar.addfile(tmp)
        for name, text in etc_files(*identity()).items():
            if name == "/etc/hosts":
                continue  # Docker writes its own
            file = tarfile.TarInfo(name.lstrip("/"))
            file.size, file.mode = len(text.encode()), 0o644
            tar.addfile(file, io.BytesIO(text.encode()))
    return buffer.getvalue()


def open_docker(workspace: Workspace, limits: Limits) -> AgentClient:
    """Start the agent in a container. Raises SandboxError if that cannot be done, saying why."""
    from docker.errors import DockerException

    client = connect()
    with ExitStack() as undo:
        undo.callback(client.close)
        workspace = with_allowed_hosts(workspace, undo)
        undo.callback(mount_points(workspace))
        try:
            daemon = Daemon.of(client)
            undo.callback(lend(workspace.worktree, *daemon.identity()))
            sweep(client)
            undo.callback(_unmark, temporary_directory(f"{MARK}{workspace.label}"))
            content = fill(client, workspace)
            container = client.containers.create(**profile(workspace, limits, content, daemon))
            undo.callback(_remove, client, str(container.id))
            wire = SocketWire(_attach(client, str(container.id)))
            undo.callback(wire.close)
            container.start()
        except (DockerException, OSError) as error:  # the package lets the errors of its connection through
            raise SandboxError(f"Docker cannot start the sandbox: {in_words(error)}") from None
        release = undo.pop_all().close
    return AgentClient("docker", workspace, limits, wire, release)


def _attach(client: DockerClient, container: str) -> socket.socket:
    """The container's streams as a socket of our own, which the response object they came with cannot close."""
    params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    with contextlib.closing(client.api.attach_socket(container, params=params)) as response:
        attached = socket.socket(fileno=os.dup(response.fileno()))
    attached.setblocking(False)
    return attached


class SocketWire:
    """A wire over a container's attached streams, which arrive in frames: stream, 3 zero bytes, length, data."""

    def __init__(self, attached: socket.socket) -> None:
        self._socket = attached
        self._raw = bytearray()
        self._errors = bytearray()
        self._ended = False

    def send(self, data: bytes, timeout: float) -> None:
        view = memoryview(data)
        deadline = time.monotonic() + timeout
        while view:
            left = deadline - time.monotonic()
            if select.select([], [self._socket], [], max(0.0, left))[1]:
                view = view[self._socket.send(view[:CHUNK]) :]
            elif left <= 0:
                raise TimeoutError("the agent does not take its request")

    def receive(self, timeout: float) -> bytes | None:
        if not self._ended and select.select([self._socket], [], [], max(0.0, timeout))[0]:
            data = self._socket.recv(CHUNK)
            self._ended = not data
            self._raw += data
        output = self._frames()
        return output if output or self._ended else None

    def _frames(self) -> bytes:
        """Take the whole frames that have come: returns what is of standard output, keeps what is of standard error."""
        output = bytearray()
        while len(self._raw) >= 8:
            end = 8 + int.from_bytes(self._raw[4:8], "big")
            if len(self._raw) < end:
                break
            (self._errors if self._raw[0] == 2 else output).extend(self._raw[8:end])
            del self._raw[:end]
        del self._errors[:-LAST_WORDS]
        return bytes(output)

    def last_words(self) -> str:
        return self._errors.decode("utf-8", "replace").strip()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _remove(client: DockerClient, container: str) -> None:
    """End a container and wait until it is gone; it may be removing itself already.

    One that cannot be reached, because the daemon has gone, is left to a later sweep.
    """
    from docker.errors import APIError, NotFound

    deadline = time.monotonic() + REMOVE_SECONDS
    with contextlib.suppress(NotFound, OSError):
        while time.monotonic() < deadline:
            with contextlib.suppress(APIError):
                client.api.remove_container(container, force=True, v=True)
            client.api.inspect_container(container)
            time.sleep(0.02)


def sweep(client: DockerClient) -> None:
    """Remove the containers of coder processes of this machine that are no more.

    They end by themselves when coder does, unless they were never started or somebody has stopped their agent.
    """
    for container in client.containers.list(all=True, filters={"label": "coder.owner"}, ignore_removed=True):
        owner = Owner.parse(container.labels["coder.owner"])
        if owner is not None and owner.is_dead():
            _remove(client, str(container.id))


def sweep_marked(labels: Iterable[str]) -> None:
    """Remove dead owners' containers if one of the labels of what they left (`owner.sweep`) says there may be any."""
    if any(label.startswith(MARK) for label in labels):
        with contextlib.suppress(SandboxError), contextlib.closing(connect()) as client:
            sweep(client)


def _unmark(mark: Path) -> None:
    with directory(mark.parent) as handle:
        remove(handle, mark.name)


def probe() -> tuple[bool, str]:
    """Whether a container can be had here: the daemon and its version, or why not and the remedy."""
    from docker.errors import DockerException

    try:
        with contextlib.closing(connect()) as client:
            reason = elsewhere(client.info())
            words = f"; {reason}: the tests run in an image (`coder sandbox build` makes one)" if reason else ""
            return True, name_of(client) + words
    except SandboxError as error:
        return False, str(error)
    except (DockerException, OSError) as error:  # it answered once, and then not in time
        return False, f"The Docker daemon answered and then failed: {in_words(error)}"
