"""Runs in images that a user names: what is in them, whose files they write, what is said where one cannot be used."""

from __future__ import annotations

import contextlib
import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coder_sandbox.content import choose_content
from coder_sandbox.contract import Limits, SandboxError, Workspace
from coder_sandbox.daemon import connect
from coder_sandbox.docker import open_docker
from coder_sandbox.images import image_toolchain

pytestmark = pytest.mark.docker


@pytest.fixture
def in_image(workspace: Workspace, python_image: str) -> Workspace:
    """The workspace with the image's toolchain in place of the host's."""
    found = image_toolchain(python_image)
    return replace(workspace, python=found.python, mounts=(), env=found.env, image=found.image)


@pytest.fixture
def made() -> Iterator[Callable[..., str]]:
    """Makes images of a few bytes: made(files, changes) or, for another architecture, made(architecture=...)."""
    names: list[str] = []

    def make(files: dict[str, str] | None = None, changes: list[str] | None = None, architecture: str = "") -> str:
        repository = f"coder-test-{os.getpid()}-{time.time_ns()}"
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name, text in (files or {"etc/here": "x"}).items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(text), 0o755
                tar.addfile(entry, io.BytesIO(text.encode()))
        with closing(connect()) as client:
            if architecture:
                client.api.import_image_from_data(buffer.getvalue(), repository, "plain")
                saved = b"".join(client.api.get_image(f"{repository}:plain"))
                client.images.load(_for_another(saved, architecture, f"{repository}:latest"))
            else:
                client.api.import_image_from_data(buffer.getvalue(), repository, "latest", changes)
        names.append(f"{repository}:latest")
        return names[-1]

    yield make
    with closing(connect()) as client:
        for name in names:
            for tag in (name, name.replace(":latest", ":plain")):
                with contextlib.suppress(Exception):
                    client.images.remove(tag, force=True)


def _for_another(saved: bytes, architecture: str, name: str) -> bytes:
    """A saved image with another architecture in its description."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(saved)) as tar:
        for entry in tar:
            if entry.isfile():
                file = tar.extractfile(entry)
                assert file is not None
                files[entry.name] = file.read()
    manifest = json.loads(files["manifest.json"])
    config = json.loads(files[manifest[0]["Config"]])
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        layers = manifest[0]["Layers"]
        contents = {layer: files[layer] for layer in layers}
        contents["config.json"] = json.dumps({**config, "architecture": architecture}).encode()
        contents["manifest.json"] = json.dumps(
            [{"Config": "config.json", "RepoTags": [name], "Layers": layers}]
        ).encode()
        for path, data in contents.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def test_the_python_and_the_files_are_the_images_and_not_the_hosts(in_image: Workspace) -> None:
    (in_image.worktree / "file").write_text("of the worktree")
    code = (
        "import json, os; print(json.dumps([os.path.exists(p) for p in ('file', '/usr/bin/git', '/usr/lib/git-core')]))"
    )
    with open_docker(in_image, Limits()) as box:
        assert json.loads(box.run(["python3", "-c", code], timeout=20).stdout) == [True, False, False]


def test_it_is_as_hardened_as_with_the_hosts_toolchain(in_image: Workspace) -> None:
    code = """
import json, os, socket
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
written = []
for place in ('/', '/usr', '/etc', '/var', os.path.dirname(os.__file__)):
    try: open(os.path.join(place, 'x'), 'w').close()
    except OSError: continue
    written.append(place)
caps = [status[n].strip() for n in ('CapEff', 'CapPrm', 'CapBnd')]
try: socket.create_connection(('1.1.1.1', 53), 2); net = True
except OSError: net = False
print(json.dumps([os.getuid() != 0, caps, status['NoNewPrivs'].strip(), status['Seccomp'].strip(), written, net]))
"""
    with open_docker(in_image, Limits()) as box:
        done = box.run(["python3", "-c", code], timeout=20)
    assert json.loads(done.stdout) == [True, ["0" * 16] * 3, "1", "2", [], False]


def test_what_it_writes_belongs_to_the_caller_afterwards(in_image: Workspace) -> None:
    tree = in_image.worktree
    (tree / "old").write_text("1")
    before = tree.stat()
    with open_docker(in_image, Limits()) as box:
        code = (
            "import os; open('old', 'a').write('2'); os.mkdir('new'); open('new/file', 'w').close(); print(os.getuid())"
        )
        done = box.run(["python3", "-c", code], timeout=20)
    assert done.stdout.strip() == str(os.getuid() or 1000), done.stderr
    paths = [tree, *tree.rglob("*")]
    assert len(paths) == 4
    assert {(p.lstat().st_uid, p.lstat().st_gid) for p in paths} == {(before.st_uid, before.st_gid)}


def test_a_place_that_an_image_wants_to_write_to_is_in_memory_and_limited(
    workspace: Workspace, python_image: str
) -> None:
    """A VOLUME would be a directory of the host's disk without a limit."""
    with closing(connect()) as client:
        container = client.containers.create(python_image, ["true"])
        image = container.commit(f"coder-test-volume-{os.getpid()}", changes=["VOLUME /data"])
        container.remove()
        try:
            found = image_toolchain(image.tags[0])
            filled = replace(workspace, python=found.python, mounts=(), env=found.env, image=found.image)
            code = "import os, json; s = os.statvfs('/data'); print(json.dumps(s.f_blocks * s.f_frsize >> 20))"
            with open_docker(filled, Limits(tmp_mb=32)) as box:
                assert json.loads(box.run(["python3", "-c", code], timeout=20).stdout) == 32
        finally:
            client.images.remove(image.id, force=True)


def test_the_clients_own_proxies_do_not_get_in(
    workspace: Workspace, in_image: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's client sets the proxies of its configuration, with their passwords, in every container."""
    (tmp_path / "config.json").write_text('{"proxies": {"default": {"httpProxy": "http://u:hunter2-of-the-host@p"}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for one in (workspace, in_image):
        with open_docker(one, Limits()) as box:
            done = box.run([str(one.python), "-c", "import os; print(dict(os.environ))"], timeout=20)
            assert "HOME" in done.stdout and "hunter2-of-the-host" not in done.stdout


# --- what cannot be used


def refused(image: str, kind: Any = "auto", python: str | None = None) -> str:
    with pytest.raises(SandboxError) as error:
        choose_content(kind, image, Path("/"), {}, python)
    return str(error.value)


def test_an_image_that_is_not_there() -> None:
    words = refused("coder-test-nobody-has-this:1")
    assert (
        "no image coder-test-nobody-has-this:1" in words and "docker pull" in words and "coder sandbox build" in words
    )


def test_an_image_for_another_architecture(made: Callable[..., str]) -> None:
    words = refused(made(architecture="s390x"))
    assert "linux/s390x" in words and "--platform" in words


def test_an_image_without_python(made: Callable[..., str], python_image: str) -> None:
    assert "There is no python3 or python in the image" in refused(made())
    assert "There is no /opt/none/python in the image" in refused(python_image, python="/opt/none/python")


def test_a_python_that_is_something_else(made: Callable[..., str]) -> None:
    assert "exec format error" in refused(made({"usr/bin/python3": "not a program"}, ["ENV PATH=/usr/bin"]))


def test_an_image_needs_a_daemon(python_image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    assert "not running" in refused(python_image)
    assert "--sandbox bwrap shows this machine's own programs" in refused(python_image, "bwrap")
