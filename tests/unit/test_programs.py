"""What other languages' toolchains get shown in the sandbox, and what they never do."""

from __future__ import annotations

from pathlib import Path

import pytest

from coder_sandbox.contract import SandboxError
from coder_sandbox.programs import Cache, Needs, equip
from coder_sandbox.toolchain import Toolchain
from coder_tools.runners.cargo import CargoTest
from coder_tools.runners.choose import RUNNERS

BASE = Toolchain(Path("/usr/bin/python3"), (), {"PATH": "/usr/bin"}, "PATH")


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "repo").mkdir()
    return tmp_path / "repo"


def shown(toolchain: Toolchain) -> list[Path]:
    assert all(mount.host == mount.inside for mount in toolchain.mounts)
    return [mount.inside for mount in toolchain.mounts]


def test_an_installation_outside_the_system_is_shown_whole_and_put_on_the_path(home: Path, repo: Path) -> None:
    node = program(home / ".nvm/versions/v20/bin/node")
    (home / ".nvm/versions/v20/lib/node_modules").mkdir(parents=True)
    found = equip(BASE, Needs(programs=("node",)), repo, {"HOME": str(home), "PATH": str(node.parent)})
    assert shown(found) == [node.parent.parent] and found.env["PATH"].split(":")[0] == str(node.parent)


@pytest.mark.parametrize("place", ["bin/node", ".local/bin/node", "work/bin/node"])
def test_of_a_directory_that_is_no_installation_only_the_program_is_shown(place: str, home: Path, repo: Path) -> None:
    node = program(home / place)
    if "work" not in place:
        (node.parent.parent / "lib/node_modules").mkdir(parents=True)
    found = equip(BASE, Needs(programs=("node",)), repo, {"HOME": str(home), "PATH": str(node.parent)})
    assert shown(found) == [node]


def test_what_only_stands_for_a_program_is_not_taken(home: Path, repo: Path) -> None:
    shim = program(home / ".asdf/shims/node")
    with pytest.raises(SandboxError, match="itself before it"):
        equip(BASE, Needs(programs=("node",)), repo, {"HOME": str(home), "PATH": str(shim.parent)})


def test_a_program_of_the_repository_does_not_count(home: Path, repo: Path) -> None:
    tool = program(repo / "bin/tool")
    (home / "links").mkdir()
    (home / "links/tool").symlink_to(tool)
    for place in (tool.parent, home / "links"):
        with pytest.raises(SandboxError, match="tool is not installed"):
            equip(BASE, Needs(programs=("tool",)), repo, {"HOME": str(home), "PATH": str(place)})


def test_behind_rustup_is_the_toolchain_that_the_repository_asks_for(home: Path, repo: Path) -> None:
    rustup = program(home / ".cargo/bin/rustup")
    for name in ("cargo", "rustc"):
        (home / ".cargo/bin" / name).symlink_to("rustup")
        for channel in ("stable-x86_64", "1.70.0-x86_64"):
            program(home / f".rustup/toolchains/{channel}/bin/{name}")
            (home / f".rustup/toolchains/{channel}/lib/rustlib").mkdir(parents=True, exist_ok=True)
    (home / ".rustup/settings.toml").write_text('default_toolchain = "stable-x86_64"\n')
    (home / ".cargo/registry").mkdir()
    (home / ".cargo/credentials.toml").write_text("token = 'secret'\n")
    environ = {"HOME": str(home), "PATH": str(rustup.parent)}
    found = equip(BASE, CargoTest.needs, repo, environ)
    assert shown(found) == [home / ".rustup/toolchains/stable-x86_64", home / ".cargo/registry"]
    assert found.env["CARGO_HOME"] == str(home / ".cargo") and found.env["CARGO_NET_OFFLINE"] == "true"
    (repo / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "1.70.0"\n')
    assert shown(equip(BASE, CargoTest.needs, repo, environ))[0].name == "1.70.0-x86_64"
    (repo / "rust-toolchain.toml").write_text('[toolchain]\nchannel = "../../../.ssh"\n')
    assert shown(equip(BASE, CargoTest.needs, repo, environ))[0].name == "stable-x86_64"


def test_installed_packages_are_shown_but_no_link_is_followed(home: Path, repo: Path) -> None:
    needs = Needs(inside=("node_modules",))
    (repo / "node_modules").symlink_to(home)
    assert shown(equip(BASE, needs, repo, {"HOME": str(home)})) == []
    (repo / "node_modules").unlink()
    (repo / "node_modules").mkdir()
    assert shown(equip(BASE, needs, repo, {"HOME": str(home)})) == [repo / "node_modules"]


def test_a_cache_that_would_show_the_home_directory_is_left_out(home: Path, repo: Path) -> None:
    needs = Needs(caches=(Cache("cache", named_by="TOOL_CACHE", variable="TOOL_CACHE"),))
    for place in (home, home.parent):
        found = equip(BASE, needs, repo, {"HOME": str(home), "TOOL_CACHE": str(place)})
        assert shown(found) == [] and "TOOL_CACHE" not in found.env


def test_an_image_brings_its_own_programs(home: Path, repo: Path) -> None:
    image = Toolchain(Path("/usr/bin/python3"), (), {}, "image", image="node:20")
    (repo / "node_modules").mkdir()
    found = equip(image, Needs(programs=("no-such-tool",), inside=("node_modules",)), repo, {"HOME": str(home)})
    assert shown(found) == [repo / "node_modules"]


def test_no_runner_lets_its_tool_reach_the_network_or_takes_credentials() -> None:
    for runner in RUNNERS:
        for cache in runner.needs.caches:
            assert cache.parts or cache.default.endswith(("mod", "repository", "caches")), runner.name
