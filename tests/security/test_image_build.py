"""coder sandbox build: an image for a repository from what is on this machine, and runs in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coder import run
from coder.record.store import RunStore
from coder.task import Request
from coder_sandbox.build import Reach, build_image, newest_image
from coder_sandbox.contract import SandboxError
from coder_sandbox.daemon import connect

pytestmark = pytest.mark.docker

SOURCE = "from greeting import word\n\ndef greet(name):\n    return word() + name\n"
TEST = "from hello import greet\n\ndef test_greet():\n    assert greet('Ada') == 'hello, Ada'\n"


def wheel(directory: Path, name: str, code: str) -> None:
    """A wheel of one module."""
    directory.mkdir(exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(directory / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    wheel(tmp_path / "wheels", "greeting", "def word():\n    return 'hello, '\n")
    return tmp_path / "wheels"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository of the src layout that needs a package which is nowhere on this machine but in a wheel."""
    top = tmp_path / "repo"
    (top / "src").mkdir(parents=True)
    (top / "tests").mkdir()
    (top / "src" / "hello.py").write_text(SOURCE.replace("word() + name", "name + word()"))
    (top / "tests" / "test_hello.py").write_text(TEST)
    (top / "requirements.txt").write_text("greeting==1.0  # the only one\n-e .\n")
    return top


@pytest.fixture
def clean_up() -> Iterator[Callable[[str], str]]:
    names: list[str] = []

    def note(name: str) -> str:
        names.append(name)
        return name

    yield note
    with closing(connect()) as client:
        for name in names:
            client.images.remove(name, force=True)


def test_it_is_made_without_any_network_and_a_run_in_it_is_verified(
    repo: Path, wheels: Path, python_image: str, tmp_path: Path, clean_up: Callable[[str], str]
) -> None:
    built = build_image(repo, python_image, Reach(wheels))
    clean_up(built.name)
    assert built.requirements.lines == ("greeting==1.0",) and built.requirements.left_out == ("-e .",)
    again = build_image(repo, python_image, Reach(wheels))
    assert (again.name, again.cached, built.cached) == (built.name, True, False)
    assert newest_image(repo) == built.name

    request = Request(repo, model="none", image=built.name, time=300)
    result = run.fix(request, RunStore(tmp_path / "home"), lambda event: None)
    assert result.status == "fixed", result.reason
    assert result.sandbox == f"docker, image {built.name}"
    assert "return word() + name" in result.patch
    owners = {path.lstat().st_uid for path in (tmp_path / "home").rglob("*")}
    assert owners == {os.geteuid()}
    assert (repo / "src" / "hello.py").stat().st_uid == os.geteuid()


def test_other_requirements_make_another_image(
    repo: Path, wheels: Path, python_image: str, clean_up: Callable[[str], str]
) -> None:
    first = build_image(repo, python_image, Reach(wheels))
    clean_up(first.name)
    (repo / "requirements.txt").write_text("")
    assert newest_image(repo) == ""
    second = build_image(repo, python_image, Reach(wheels))
    clean_up(second.name)
    assert first.name != second.name and not second.cached


def test_a_requirement_that_nobody_has_is_named_with_the_remedy(repo: Path, python_image: str) -> None:
    with pytest.raises(SandboxError) as error:
        build_image(repo, python_image, Reach())
    assert "greeting" in str(error.value) and "--wheels" in str(error.value) and "--allow-host" in str(error.value)


def test_where_the_hosts_python_cannot_run_the_image_is_chosen_by_itself(
    repo: Path,
    wheels: Path,
    python_image: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clean_up: Callable[[str], str],
) -> None:
    """As with a daemon in a virtual machine: forced here by a kernel that is another than the daemon's."""
    from coder_sandbox import daemon

    monkeypatch.setattr(daemon.os, "uname", lambda: os.uname_result(("Darwin", "mac", "24.1.0", "", "x86_64")))
    request = Request(repo, model="none", sandbox="docker", time=300)
    without = run.fix(request, RunStore(tmp_path / "home"), lambda event: None)
    assert without.status == "environment_error" and "coder sandbox build" in without.reason
    built = build_image(repo, python_image, Reach(wheels))
    clean_up(built.name)
    events = []
    result = run.fix(request, RunStore(tmp_path / "home"), events.append)
    assert result.status == "fixed", result.reason
    (opened, *_) = [event.data for event in events if (event.node, event.kind) == ("run", "sandbox")]
    assert opened["image"] == built.name and "chosen because" in opened["source"]


def test_the_command(
    repo: Path, wheels: Path, python_image: str, tmp_path: Path, clean_up: Callable[[str], str]
) -> None:
    def coder(*argv: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-P", "-m", "coder.cli.main", *argv]
        env = {**os.environ, "CODER_HOME": str(tmp_path / "home")}
        return subprocess.run(command, capture_output=True, text=True, env=env, check=False)

    done = coder("sandbox", "build", "--repo", str(repo), "--base", python_image, "--wheels", str(wheels), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    clean_up(said["image"])
    assert said["requirements"] == ["greeting==1.0"] and said["sources"] == ["requirements.txt"]
    missing = coder("sandbox", "build", "--repo", str(repo), "--base", "coder-test-nobody-has-this")
    assert missing.returncode == 3 and "no image" in missing.stderr and "Traceback" not in missing.stderr
    wrong = coder("fix", "--repo", str(repo), "--image", "coder-test-nobody-has-this", "--model", "none", "--json")
    assert wrong.returncode == 3 and json.loads(wrong.stdout)["status"] == "environment_error"
