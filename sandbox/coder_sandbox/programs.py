"""What other languages' toolchains need shown in the sandbox: programs, caches and the repository's own dependencies.

Everything is found by looking at files; nothing of the repository, and no version manager, is run. All of it is
mounted read-only, and a home directory, or what is above one, is never shown.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from coder_sandbox.contract import Mount, SandboxError
from coder_sandbox.installation import SYSTEM
from coder_sandbox.toolchain import SYSTEM_PATH, Toolchain

_MARKS: Mapping[str, tuple[str, ...]] = {
    "node": ("lib/node_modules", "include/node"),
    "npm": ("lib/node_modules",),
    "cargo": ("lib/rustlib", "lib/librustc_driver*"),
    "rustc": ("lib/rustlib", "lib/librustc_driver*"),
    "go": ("src/runtime",),
    "mvn": ("lib/maven-core-*.jar",),
    "gradle": ("lib/gradle-*.jar",),
    "java": ("lib/modules", "lib/rt.jar", "jre"),
    "cmake": ("share/cmake*",),
    "ctest": ("share/cmake*",),
}
"""What the directory has in which a program is installed with all that belongs to it."""


@dataclass(frozen=True)
class Cache:
    """A directory of downloaded dependencies: what `named_by` names, else `default` below the home directory.

    Of it only `parts` are shown (all of it, if there are none): credentials often lie beside them. Inside, `variable`
    is set to `value`, with the directory's path in it.
    """

    default: str
    named_by: str = ""
    parts: tuple[str, ...] = ()
    variable: str = ""
    value: str = "{}"


@dataclass(frozen=True)
class Needs:
    """What a test runner needs inside.

    `etc`: patterns of the system's configuration. `inside`: directories of the repository that git ignores, such as
    installed dependencies. `env`: what keeps it off the network and off the user's files.
    """

    programs: tuple[str, ...] = ()
    caches: tuple[Cache, ...] = ()
    etc: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


def equip(toolchain: Toolchain, needs: Needs, repo: Path, environ: Mapping[str, str]) -> Toolchain:
    """The toolchain with what a runner needs. An image brings its own programs and caches.

    Raises SandboxError if a program is not to be found on this machine.
    """
    env = {**toolchain.env, **needs.env}
    mounts = [*toolchain.mounts, *_own_directories(needs, repo)]
    if not toolchain.image:
        home = Path(environ.get("HOME") or Path.home())
        places: dict[str, None] = {}
        for name in needs.programs:
            program = _find(name, repo, home, environ)
            mounts += _shown(program, home)
            places[str(program.parent)] = None
        path = [*places, *toolchain.env.get("PATH", SYSTEM_PATH).split(os.pathsep)]
        env["PATH"] = os.pathsep.join(dict.fromkeys(path))
        for cache in needs.caches:
            place = _place(cache, home, environ)
            shown = [place / part for part in cache.parts or ("",) if (place / part).is_dir()]
            if shown and not _holds_more(place / (cache.parts or ("",))[0], home):
                mounts += [Mount(found, found) for found in shown]
                env |= {cache.variable: cache.value.format(place)} if cache.variable else {}
        for pattern in needs.etc:
            mounts += [Mount(found, found) for found in sorted(Path("/etc").glob(pattern))]
    return replace(toolchain, mounts=tuple(dict.fromkeys(mounts)), env=env)


def _own_directories(needs: Needs, repo: Path) -> Iterator[Mount]:
    """Installed dependencies in the repository; a link could lead anywhere, so none is followed."""
    for name in needs.inside:
        place = repo / name
        if place.is_dir() and not place.is_symlink() and Path(os.path.realpath(place)) == place:
            yield Mount(place, place)


def _find(name: str, repo: Path, home: Path, environ: Mapping[str, str]) -> Path:
    """A program on PATH, outside the repository, as it really is: behind rustup's one program for all that is cargo."""
    real_repo = Path(os.path.realpath(repo))
    places = [p for p in environ.get("PATH", SYSTEM_PATH).split(os.pathsep) if Path(p).is_absolute()]
    places = [p for p in places if not Path(os.path.realpath(p)).is_relative_to(real_repo)]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None or Path(os.path.realpath(found)).is_relative_to(real_repo):
        raise SandboxError(f"{name} is not installed here, and the tests need it. Install it, or use --image.")
    real = Path(os.path.realpath(found))
    if real.parent.name == "shims":
        raise SandboxError(f"{real} only stands for {name}. Put the directory of {name} itself before it on your PATH.")
    if real.name == "rustup":
        return _behind_rustup(name, repo, home, environ)
    return Path(found) if _is_system(Path(found)) else real


def _behind_rustup(name: str, repo: Path, home: Path, environ: Mapping[str, str]) -> Path:
    """The program of the toolchain that the repository asks for, if it is installed, else of the default one."""
    rustup = Path(environ.get("RUSTUP_HOME") or home / ".rustup")
    wanted = [_rust_channel(repo), environ.get("RUSTUP_TOOLCHAIN", ""), _default_toolchain(rustup)]
    for channel in filter(None, wanted):
        for place in sorted((rustup / "toolchains").glob(f"{channel}*")):
            is_it = place.name == channel or place.name.startswith(f"{channel}-")
            if is_it and (place / "bin" / name).is_file():
                return place / "bin" / name
    raise SandboxError(f"rustup has no toolchain with {name} in {rustup}. Install one with `rustup toolchain install`.")


def _rust_channel(repo: Path) -> str:
    for name in ("rust-toolchain.toml", "rust-toolchain"):
        try:
            text = (repo / name).read_text("utf-8", "replace")
        except OSError:
            continue
        found = re.search(r'channel\s*=\s*"([\w.-]+)"', text) or re.fullmatch(r"\s*([\w.-]+)\s*", text)
        return found[1] if found else ""
    return ""


def _default_toolchain(rustup: Path) -> str:
    try:
        text = (rustup / "settings.toml").read_text("utf-8", "replace")
    except OSError:
        return ""
    found = re.search(r'^default_toolchain\s*=\s*"([\w.-]+)"', text, re.MULTILINE)
    return found[1] if found else ""


def _is_system(path: Path) -> bool:
    return any(system in path.parents for system in SYSTEM)


def _shown(program: Path, home: Path) -> list[Mount]:
    """The installation a program is part of (its bin's parent), or the program alone where that is none of it."""
    if _is_system(program):
        return []
    prefix = program.parent.parent
    marks = _MARKS.get(program.name, ())
    if program.parent.name == "bin" and not _holds_more(prefix, home) and any(next(prefix.glob(m), "") for m in marks):
        return [Mount(prefix, prefix)]
    return [Mount(program, program)]


def _holds_more(place: Path, home: Path) -> bool:
    """Whether a directory is the home directory, above it, or the part of it that all programs share."""
    real_home = Path(os.path.realpath(home))
    real = Path(os.path.realpath(place))
    return real == real_home or real in real_home.parents or real == real_home / ".local"


def _place(cache: Cache, home: Path, environ: Mapping[str, str]) -> Path:
    named = environ.get(cache.named_by, "") if cache.named_by else ""
    return Path(os.path.realpath(named or home / cache.default))
