"""A container image with a Python, pip and pytest in it, made of this machine's own files: no registry is asked.

It holds the interpreter that the tests run on, without its test suite, the libraries that it is linked to, and a shell.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

LEFT_OUT = {
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "lib2to3",
    "ensurepip",
    "site-packages",
    "dist-packages",
}
REPOSITORY = "coder-test-python"


def base_image(client: object, packages: Path) -> str:
    """The image's name; it is made if it is not there. `packages`: a site-packages with pytest, to be in it."""
    from docker.errors import ImageNotFound

    python = Path(os.path.realpath(sys.executable)) if sys.prefix == sys.base_prefix else _base_python()
    tag = hashlib.sha256(f"4{python}{sys.version}{packages}".encode()).hexdigest()[:12]
    name = f"{REPOSITORY}-{tag}:latest"
    try:
        client.images.get(name)  # type: ignore[attr-defined]
    except ImageNotFound:
        changes = [f"ENV PATH={python.parent}:/usr/local/bin:/usr/bin:/bin"]
        data = _tar(python, packages)
        client.api.import_image_from_data(data, f"{REPOSITORY}-{tag}", "latest", changes)  # type: ignore[attr-defined]
    return name


def _base_python() -> Path:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return Path(os.path.realpath(Path(sys.base_prefix) / "bin" / version))


def _tar(python: Path, packages: Path) -> bytes:
    buffer = io.BytesIO()
    stdlib = Path(sysconfig.get_path("stdlib"))
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add(tar, python)
        for name in ("python3", "python"):
            _link(tar, python.parent / name, python.name)
        tar.add(stdlib, str(stdlib).lstrip("/"), filter=_wanted)
        for library in _libraries([python, *(stdlib / "lib-dynload").glob("*.so"), Path("/bin/sh"), Path("/bin/ls")]):
            _add(tar, library)
        for name in ("/bin/sh", "/bin/ls", "/bin/cat", "/usr/bin/tee", "/usr/bin/id", "/usr/bin/touch", "/bin/sleep"):
            _add(tar, Path(name))
        where = _packages_of(python)
        for folder in (packages, _pip()):
            tar.add(folder, f"{where}/{folder.name}" if folder.name == "pip" else where, filter=_plain)
    return buffer.getvalue()


def _packages_of(python: Path) -> str:
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    done = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip().lstrip("/")


def _pip() -> Path:
    import pip

    return Path(pip.__file__).parent


def _add(tar: tarfile.TarFile, path: Path) -> None:
    """A file at its own path, what a link leads to in its place; lies in /usr where /bin and /lib are links to it."""
    place = Path(os.path.realpath(path.parent)) / path.name
    for name in dict.fromkeys((str(path), str(place))):
        tar.add(os.path.realpath(path), name.lstrip("/"), filter=_plain)


def _link(tar: tarfile.TarFile, path: Path, target: str) -> None:
    entry = tarfile.TarInfo(str(path).lstrip("/"))
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


def _libraries(programs: list[Path]) -> Iterator[Path]:
    found: dict[str, None] = {}
    for program in programs:
        done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        found.update(dict.fromkeys(re.findall(r"(/\S+)", done.stdout)))
    for path in found:
        if Path(path).is_file():
            yield Path(path)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.mode |= 0o444 | (0o111 if entry.mode & 0o100 else 0)
    return entry


def _wanted(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = entry.name.rpartition("/")[2]
    return None if name in LEFT_OUT or name.startswith("config-") or name.endswith(".a") else _plain(entry)
