"""Which Python is found, and what a hostile environment cannot get shown inside the sandbox."""

from __future__ import annotations

import base64
import hashlib
import sys
from pathlib import Path

import pytest

from coder_sandbox.contract import Mount, SandboxError
from coder_sandbox.toolchain import Toolchain, find_toolchain


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make(tmp_path / "home")


@pytest.fixture
def repo(home: Path) -> Path:
    return make(home / "code" / "repo")


def make(directory: Path) -> Path:
    directory.mkdir(parents=True)
    return directory


def make_installation(prefix: Path, minor: int = 11) -> Path:
    make(prefix / "lib" / f"python3.{minor}").joinpath("os.py").touch()
    program = make(prefix / "bin") / f"python3.{minor}"
    program.write_bytes(b"\x7fELF")
    program.chmod(0o755)
    for name in ("python3", "python"):
        (prefix / "bin" / name).symlink_to(f"python3.{minor}")
    return prefix


def make_environment(directory: Path, base: Path) -> Path:
    make(directory / "bin").joinpath("python").symlink_to(base / "bin" / "python3")
    (directory / "bin" / "python3").symlink_to("python")
    (directory / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\nversion = 3.11.7\n")
    return directory


def find(repo: Path, home: Path, python: str | None = None, **environ: str) -> Toolchain:
    return find_toolchain(repo, {"HOME": str(home), "PATH": "/nowhere", **environ}, python)


def shown(toolchain: Toolchain) -> set[Path]:
    assert all(mount.host.exists() for mount in toolchain.mounts)
    return {mount.inside for mount in toolchain.mounts}


def test_an_environment_in_the_repository_comes_with_its_base(repo: Path, home: Path) -> None:
    base = make_installation(home / ".pyenv" / "versions" / "3.11.7")
    venv = make_environment(repo / ".venv", base)
    found = find(repo, home)
    assert found.python == venv / "bin" / "python"
    assert shown(found) == {venv, base}
    assert found.env["VIRTUAL_ENV"] == str(venv)
    assert found.env["PATH"].startswith(f"{venv / 'bin'}:")
    assert found.source == ".venv"


def test_the_order(repo: Path, home: Path, tmp_path: Path) -> None:
    base = make_installation(tmp_path / "python")
    expected: list[tuple[str, Path]] = [("PATH", base / "bin" / "python3")]
    environ = {"PATH": str(base / "bin")}
    for source, name, variable in [
        ("active environment", "conda", "CONDA_PREFIX"),
        ("active environment", "active", "VIRTUAL_ENV"),
        ("UV_PROJECT_ENVIRONMENT", "uv", "UV_PROJECT_ENVIRONMENT"),
        ("venv", "venv", ""),
        (".venv", ".venv", ""),
    ]:
        if name == "conda":
            directory = make_installation(tmp_path / name)
            make(directory / "conda-meta")
        else:
            directory = make_environment((tmp_path if name == "active" else repo) / name, base)
        if variable:
            environ[variable] = name if name == "uv" else str(directory)
        expected.append((source, directory / "bin" / "python"))
        found = find(repo, home, **environ)
        assert (found.source, found.python) == expected[-1]


def test_a_broken_environment_is_passed_over_and_named(repo: Path, home: Path, tmp_path: Path) -> None:
    make_environment(repo / ".venv", tmp_path / "gone")
    base = make_installation(tmp_path / "python")
    found = find(repo, home, PATH=str(base / "bin"))
    assert found.python == base / "bin" / "python3"
    assert ".venv" in found.source and "no working python" in found.source


def test_an_environment_behind_links(repo: Path, home: Path, tmp_path: Path) -> None:
    """As uv makes them: the base is called by a link that a patch release moves."""
    real = make_installation(tmp_path / "cpython-3.11.7")
    link = tmp_path / "cpython-3.11"
    link.symlink_to(real)
    venv = make_environment(make(home / "envs") / "one", link)
    (repo / ".venv").symlink_to(venv)
    found = find(repo, home)
    assert found.python == venv / "bin" / "python"
    assert set(found.mounts) == {Mount(venv, venv), Mount(real, link), Mount(real, real)}


def test_a_chain_of_links_outside_any_installation(repo: Path, home: Path, tmp_path: Path) -> None:
    real = make_installation(tmp_path / "python")
    shelf = make(home / "bin") / "python3"
    shelf.symlink_to(real / "bin" / "python3.11")
    found = find(repo, home, PATH=str(shelf.parent))
    assert found.python == shelf
    assert Mount(real / "bin" / "python3.11", shelf) in found.mounts
    assert home / "bin" not in shown(found)


@pytest.mark.parametrize("above", [0, 1, 2])
def test_a_hostile_environment_cannot_show_a_home(repo: Path, home: Path, above: int) -> None:
    """Nor what is above one, even where that looks like an installation."""
    place = [home, *home.parents][above]
    make_installation(place)
    venv = make_environment(repo / ".venv", place)
    with pytest.raises(SandboxError, match="no place for a Python"):
        find(repo, home)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").write_bytes(b"\x7fELF")  # its own python, so that only pyvenv.cfg leads there
    with pytest.raises(SandboxError, match="no place for a Python"):
        find(repo, home)


def test_a_hostile_environment_cannot_show_the_root(repo: Path, home: Path) -> None:
    """/bin/python3 and /lib/python3.11/os.py are there by way of /usr, which is shown anyway, and no more."""
    venv = make_environment(repo / ".venv", Path("/"))
    assert shown(find(repo, home)) == {venv}


def test_a_hostile_environment_cannot_show_what_is_no_python(repo: Path, home: Path) -> None:
    secret = make(home / ".ssh") / "id_ed25519"
    secret.write_text("secret")
    venv = make(repo / ".venv")
    make(venv / "bin").joinpath("python").symlink_to(secret)
    (venv / "pyvenv.cfg").write_text(f"home = {secret.parent}\n")
    with pytest.raises(SandboxError, match="no place for a Python"):
        find(repo, home)
    (venv / "pyvenv.cfg").write_text("")
    with pytest.raises(SandboxError, match="no place for a Python"):
        find(repo, home)
    secret.rename(make(home / ".ssh" / "keys") / "key")
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(home / ".ssh" / "keys" / "key")
    with pytest.raises(SandboxError, match="no Python 3 installation"):
        find(repo, home)


def test_an_environment_that_is_a_link_to_the_home_is_refused(repo: Path, home: Path) -> None:
    make_environment(home / "x", make_installation(home / "python"))
    (home / "pyvenv.cfg").write_text(f"home = {home / 'python' / 'bin'}\n")
    make(home / "bin").joinpath("python").symlink_to(home / "python" / "bin" / "python3")
    (repo / ".venv").symlink_to(home)
    with pytest.raises(SandboxError, match="no place for a Python"):
        find(repo, home)


def test_nothing_of_the_repository_is_executed(repo: Path, home: Path) -> None:
    """Neither by a PATH that leads into it, nor by a relative one, nor as a shim."""
    evil = make(repo / "bin") / "python3"
    evil.write_text(f"#!/bin/sh\ntouch {repo}/executed\necho /usr/bin/python3\n")
    evil.chmod(0o755)
    with pytest.raises(SandboxError):
        find(repo, home, PATH=f"{repo}/bin:bin:.")
    with pytest.raises(SandboxError):
        find(repo, home, python="bin/python3")
    assert not (repo / "executed").exists()


def test_a_shim_is_asked_which_python_it_stands_for(repo: Path, home: Path, tmp_path: Path) -> None:
    versions = {minor: make_installation(tmp_path / f"3.{minor}", minor) for minor in (9, 11)}
    shim = make(home / "shims") / "python3"
    shim.write_text(f'#!/bin/sh\necho {tmp_path}/"${{PYENV_VERSION:-3.11}}"/bin/python3\n')
    shim.chmod(0o755)
    assert find(repo, home, PATH=str(shim.parent)).python == versions[11] / "bin" / "python3"
    (repo / ".python-version").write_text("3.9\n")
    assert find(repo, home, PATH=str(shim.parent)).python == versions[9] / "bin" / "python3"
    (repo / ".python-version").write_text("../../evil\n")
    assert find(repo, home, PATH=str(shim.parent)).python == versions[11] / "bin" / "python3"


def test_the_user_site_is_shown_for_an_interpreter_that_is_no_environment(
    repo: Path, home: Path, tmp_path: Path
) -> None:
    base = make_installation(tmp_path / "python")
    site = make(home / ".local" / "lib" / "python3.11" / "site-packages")
    found = find(repo, home, PATH=str(base / "bin"))
    assert shown(found) == {base, site}
    assert found.env["PYTHONUSERBASE"] == str(home / ".local")


def test_poetrys_environment_is_found_without_asking_poetry(repo: Path, home: Path, tmp_path: Path) -> None:
    base = make_installation(tmp_path / "python")
    (repo / "poetry.lock").touch()
    (repo / "pyproject.toml").write_text('[tool.poetry]\nname = "My Thing"\n')
    digest = base64.urlsafe_b64encode(hashlib.sha256(str(repo.resolve()).encode()).digest()).decode()[:8]
    envs = make(home / ".cache" / "pypoetry" / "virtualenvs")
    venv = make_environment(envs / f"my_thing-{digest}-py3.11", base)
    make_environment(envs / "my_thing-AAAAAAAA-py3.11", base)
    found = find(repo, home)
    assert (found.source, found.python) == ("poetry", venv / "bin" / "python")


def test_an_old_python_is_refused_with_the_reason(repo: Path, home: Path, tmp_path: Path) -> None:
    old = make_installation(tmp_path / "old", 7)
    with pytest.raises(SandboxError, match=r"older than Python 3\.8"):
        find(repo, home, python=str(old / "bin" / "python3"))


def test_no_python_at_all_says_what_to_do(repo: Path, home: Path) -> None:
    with pytest.raises(SandboxError, match="venv"):
        find(repo, home)


def test_a_real_environment_is_read_as_it_is(tmp_path: Path, home: Path) -> None:
    found = find(make(tmp_path / "r"), home, python=sys.executable)
    assert str(found.python).startswith(sys.prefix)
    real = {Path(sys.base_prefix).resolve(), Path("/usr")}
    assert any(mount.host in real for mount in found.mounts) or sys.base_prefix == "/usr"
