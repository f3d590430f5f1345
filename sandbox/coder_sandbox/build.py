"""Makes an image for a repository: a local base image, and an environment with what the repository's tests need.

The installing itself is done in the ordinary sandbox, whose worktree is then the environment: what a package's build
runs has no more rights than a test has, and no network but what the user opened. The image is that directory, as data.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from coder_sandbox.contract import Limits, Mount, Sandbox, SandboxError, Workspace
from coder_sandbox.daemon import connect, in_words
from coder_sandbox.images import image_toolchain, inspected
from coder_sandbox.owner import Owner, temporary_directory
from coder_sandbox.requirements import Requirements, read_requirements
from coder_sandbox.safe_files import directory, remove

if TYPE_CHECKING:
    from docker import DockerClient

RECIPE = "1"  # raised when the same requirements come to another image
ENVIRONMENT = Path("/opt/coder-env")
WHEELS = Path("/coder-wheels")
SECONDS = 1800.0
LIMITS = Limits(file_mb=8192, tmp_mb=4096)
PIP = ("install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-cache-dir", "--no-compile")


@dataclass(frozen=True)
class Built:
    """An image for a repository."""

    name: str
    base: str
    requirements: Requirements
    cached: bool  # it was there already


@dataclass(frozen=True)
class Reach:
    """Where the packages may come from: nowhere but the base image, unless the user says more."""

    wheels: Path | None = None  # a directory of wheels on the host
    network: bool = False
    allow_hosts: tuple[str, ...] = ()


def build_image(repo: Path, base: str, reach: Reach, say: Callable[[str], None] = lambda words: None) -> Built:
    """Make the image for a repository as it is now, or find the one made before for the same content.

    `base` is a local image with a Python and pip in it; "": the newest local one called python. Raises SandboxError:
    no daemon, no base, requirements that cannot be read or installed.
    """
    repo = repo.resolve()
    try:
        requirements = read_requirements(repo)
    except (ValueError, OSError) as error:
        raise SandboxError(f"The requirements of {repo} cannot be read: {error}") from None
    with contextlib.closing(connect()) as client:
        base = base or _default_base(client)
        identifier = str(inspected(client, base).get("Id", ""))
        name = _name(repo, requirements, identifier)
        if _exists(client, name):
            return Built(name, base, requirements, True)
        say(f"installing what {', '.join(requirements.sources) or 'no file'} asks for over {base}")
        made = temporary_directory("build")
        try:
            (made / "env").mkdir()
            _install(made / "env", repo, base, requirements, reach)
            _commit(client, base, made / "env", name, _labels(repo, requirements))
        finally:
            with directory(made.parent) as handle:
                remove(handle, made.name)
    return Built(name, base, requirements, False)


def newest_image(repo: Path) -> str:
    """The newest image that was built for a repository and its present requirements, "" if there is none."""
    from docker.errors import DockerException

    try:
        labels = [f"{key}={value}" for key, value in _labels(repo.resolve(), read_requirements(repo)).items()]
        with contextlib.closing(connect()) as client:
            found = [image for image in client.images.list(filters={"label": labels}) if image.tags]
    except (ValueError, OSError, DockerException, SandboxError):
        return ""
    newest = max(found, key=lambda image: str(image.attrs.get("Created")), default=None)
    return str(newest.tags[0]) if newest is not None else ""


def _name(repo: Path, requirements: Requirements, base: str) -> str:
    content = "\0".join((RECIPE, str(repo), base, requirements.digest))
    slug = re.sub(r"[^a-z0-9]+", "-", repo.name.lower()).strip("-") or "repository"
    return f"coder-image/{slug}:{hashlib.sha256(content.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def _labels(repo: Path, requirements: Requirements) -> dict[str, str]:
    path = hashlib.sha256(str(repo).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return {"coder.repository": path, "coder.requirements": requirements.digest, "coder.recipe": RECIPE}


def _exists(client: DockerClient, name: str) -> bool:
    from docker.errors import DockerException, ImageNotFound

    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    except DockerException as error:
        raise SandboxError(f"The image {name} cannot be looked for: {in_words(error)}") from None
    return True


def _default_base(client: DockerClient) -> str:
    """The local image python:VERSION of the highest version."""
    tags = [tag for image in client.images.list() for tag in image.tags]
    found = []
    for tag in tags:
        if match := re.fullmatch(r"(?:\S+/)?python:(3(?:\.\d+){0,2})\S*", tag):
            found.append(([int(part) for part in match[1].split(".")], tag))
    if not found:
        known = f" There are: {', '.join(sorted(tags)[:10])}." if tags else ""
        raise SandboxError(
            "There is no local image called python to build on; name one with --base, or get one with "
            f"`docker pull python:3`.{known}"
        )
    return max(found)[1]


def _install(env: Path, repo: Path, base: str, requirements: Requirements, reach: Reach) -> None:
    """Make the virtual environment in `env`, which is a sandbox's worktree meanwhile."""
    from coder_sandbox.docker import open_docker

    toolchain = image_toolchain(base)
    mounts = (Mount(reach.wheels.resolve(), WHEELS),) if reach.wheels else ()
    workspace = Workspace(
        env,
        ENVIRONMENT,
        toolchain.python,
        mounts,
        label="build",
        network=reach.network,
        allow_hosts=reach.allow_hosts,
        image=base,
        env=toolchain.env,
    )
    with open_docker(workspace, LIMITS) as box:
        python = str(toolchain.python)
        _do(box, [python, "-m", "venv", "--without-pip", "--system-site-packages", str(ENVIRONMENT)])
        if requirements.lines:
            pip = [python, "-m", "pip", "--python", str(ENVIRONMENT / "bin" / "python"), *PIP]
            pip += ["--no-deps"] if requirements.locked else []
            pip += ["--find-links", str(WHEELS)] if reach.wheels else []
            pip += [] if reach.network or reach.allow_hosts else ["--no-index"]
            _do(box, [*pip, "-r", "/dev/stdin"], stdin="\n".join(requirements.lines) + "\n")
        places = [str(repo), *([str(repo / "src")] if (repo / "src").is_dir() else [])]
        packages = _do(
            box, [str(ENVIRONMENT / "bin" / "python"), "-c", "import site; print(site.getsitepackages()[0])"]
        )
        _do(box, ["tee", f"{packages.strip()}/coder-repository.pth"], stdin="\n".join(places) + "\n")


def _do(box: Sandbox, argv: Sequence[str], stdin: str = "") -> str:
    done = box.run(argv, timeout=SECONDS, stdin=stdin)
    if done.exit_code == 0:
        return done.stdout
    said = "\n  ".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-8:])
    if "No module named pip" in said:
        raise SandboxError("The base image has no pip, which installs the requirements: take another with --base.")
    how = f"was ended ({done.killed_by})" if done.killed_by else f"ended with {done.exit_code}"
    raise SandboxError(
        f"{' '.join(argv[1:3])} {how} while the image was made:\n  {said}\nPackages come from the base image alone, "
        "unless you give a directory of wheels (--wheels DIR) or open the way to an index "
        "(--allow-host pypi.org --allow-host files.pythonhosted.org, or --network)."
    )


def _commit(client: DockerClient, base: str, env: Path, name: str, labels: dict[str, str]) -> None:
    """A new image: the base, and over it the environment's files, which belong to root there."""
    from docker.errors import DockerException

    repository, _, tag = name.rpartition(":")
    changes = [f"LABEL {key}={value}" for key, value in labels.items()]
    path = (inspected(client, base).get("Config") or {}).get("Env") or []
    before = next((text[5:] for text in path if text.startswith("PATH=")), "/usr/local/bin:/usr/bin:/bin")
    changes += [f"ENV PATH={ENVIRONMENT}/bin:{before}", f"ENV VIRTUAL_ENV={ENVIRONMENT}"]
    container = None
    try:
        container = client.containers.create(
            base, ["true"], entrypoint=[], network_mode="none", labels={"coder.owner": str(Owner.me())}
        )
        with (env.parent / "layer.tar").open("w+b") as file:
            _archive(env, file)
            file.seek(0)
            container.put_archive("/", file)
        container.commit(repository=repository, tag=tag, changes=changes)
    except (DockerException, OSError) as error:
        raise SandboxError(f"The image {name} cannot be made: {in_words(error)}") from None
    except RecursionError:
        raise SandboxError(f"The image {name} cannot be made: a package has made directories too deep.") from None
    finally:
        if container is not None:
            with contextlib.suppress(DockerException, OSError):
                container.remove(force=True, v=True)


def _archive(env: Path, file: io.BufferedRandom) -> None:
    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        """Files, directories and links, without anybody's name on them and without special rights."""
        if not (entry.isfile() or entry.isdir() or entry.issym()):
            return None
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.add(env, str(ENVIRONMENT).lstrip("/"), filter=plain)
