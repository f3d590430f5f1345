"""Skips what this machine cannot run, and opens sandboxes for tests."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from coder_sandbox.choose import open_sandbox, probe
from coder_sandbox.contract import Limits, Sandbox, Workspace
from coder_sandbox.toolchain import Toolchain, find_toolchain

BWRAP = pytest.param("bwrap", marks=pytest.mark.bwrap)
DOCKER = pytest.param("docker", marks=pytest.mark.docker)

# The same cases on every machine; `make fuzz` looks further.
settings.register_profile("steady", derandomize=True, deadline=None, database=None)
settings.load_profile("steady")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell's background job; tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)

OpenBox = Callable[..., Sandbox]


@functools.cache
def _works(kind: str) -> tuple[bool, str]:
    return probe(kind)  # type: ignore[arg-type]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for kind in ("bwrap", "docker"):
        if item.get_closest_marker(kind) is not None:
            works, words = _works(kind)
            if not works:
                pytest.skip(words)


@pytest.fixture(params=[BWRAP, DOCKER])
def isolating(request: pytest.FixtureRequest) -> str:
    """The name of each backend that keeps the host safe."""
    return str(request.param)


@pytest.fixture(params=[BWRAP, DOCKER, "none"])
def backend(request: pytest.FixtureRequest) -> str:
    """The name of each backend."""
    return str(request.param)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """Pytest's, with a last part that no other worker's has: tests look for processes and containers by it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        return tmp_path
    own = tmp_path.with_name(f"{tmp_path.name}-{worker}")
    own.mkdir()
    return own


@pytest.fixture(scope="session")
def target_env() -> Path:
    """An environment as a user's is, with pytest and nothing of coder; `make setup` makes it."""
    folder = Path(__file__).parent.parent / ".venv-target"
    return folder if folder.is_dir() else Path(sys.prefix)


@pytest.fixture(scope="session")
def target_python(target_env: Path) -> Path:
    """Its interpreter. Coder's own would load the pytest plugins of coder's dependencies: seconds each time."""
    return target_env / "bin" / "python"


@pytest.fixture(scope="session")
def toolchain(tmp_path_factory: pytest.TempPathFactory, target_python: Path) -> Toolchain:
    """The target's environment, pytest included, as its toolchain."""
    return find_toolchain(tmp_path_factory.mktemp("empty"), os.environ, str(target_python))


@pytest.fixture
def workspace(tmp_path: Path, toolchain: Toolchain) -> Workspace:
    """A worktree of an (empty) repository whose path has a space and a letter that is not ASCII."""
    repo, worktree = tmp_path / "répo 1", tmp_path / "worktree"
    repo.mkdir()
    worktree.mkdir()
    return Workspace(worktree, repo, toolchain.python, toolchain.mounts, label=tmp_path.name, env=toolchain.env)


@pytest.fixture
def open_box(workspace: Workspace) -> Iterator[OpenBox]:
    """Opens sandboxes on the workspace: open_box(kind, limits=Limits(), **changes of the workspace)."""
    with ExitStack() as boxes:

        def open_one(kind: Any, limits: Limits | None = None, **changes: Any) -> Sandbox:
            box = open_sandbox(kind, replace(workspace, **changes), limits or Limits())
            boxes.callback(box.close)
            return box

        yield open_one


@pytest.fixture
def processes_with() -> Callable[[str], list[int]]:
    """Finds the host's processes, those in sandboxes too, that have a word in their command line."""

    def find(word: str) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and word.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    return find


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool], float], bool]:
    """Asks a question until the answer is yes, or the seconds are over."""

    def ask(question: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not question():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    return ask


def _fake(name: str) -> Any:
    """A module of tests/fakes/."""
    spec = importlib.util.spec_from_file_location(f"fake_{name}", Path(__file__).parent / "fakes" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and annotations look for it there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def python_image(target_env: Path) -> str:
    """The name of a container image with a Python, pip and pytest in it, made of this machine's files."""
    from coder_sandbox.daemon import connect

    packages = next(target_env.resolve().glob("lib/python3*/site-packages"))
    with contextlib.closing(connect()) as client:
        name: str = _fake("python_image").base_image(client, packages)
        return name


@pytest.fixture
def fake_ollama() -> Iterator[Callable[..., Any]]:
    """Starts fake Ollama servers: fake_ollama(replies=[...], ...), the keys as in tests/fakes/ollama_server.py."""
    module = _fake("ollama_server")
    with ExitStack() as stack:
        yield lambda **script: stack.enter_context(module.FakeOllama(script))


@pytest.fixture
def fake_openai() -> Iterator[Callable[..., Any]]:
    """Starts fake servers of the OpenAI wire: fake_openai(flavor=...), the keys as in tests/fakes/openai_server.py."""
    module = _fake("openai_server")
    with ExitStack() as stack:
        yield lambda **script: stack.enter_context(module.FakeOpenAI(script))


@pytest.fixture
def scripted_policy() -> Callable[..., Any]:
    """Makes a policy that plays a list of steps; see tests/fakes/scripted_policy.py."""
    made: Callable[..., Any] = _fake("scripted_policy").ScriptedPolicy
    return made


@pytest.fixture
def open_suite(tmp_path: Path, target_python: Path) -> Iterator[Callable[..., Any]]:
    """Writes a project and opens its tests, without a sandbox: open_suite(files, python=..., runner=..., args=...)."""
    from coder_sandbox.none import open_none
    from coder_tools.testing import Suite

    with ExitStack() as boxes:

        def open_one(files: dict[str, str], python: Path | None = None, name: str = "project", **more: Any) -> Suite:
            root = tmp_path / name
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            box = open_none(Workspace(root, root, python or target_python), Limits())
            boxes.callback(box.close)
            return Suite(box, root, **more)

        yield open_one


@pytest.fixture
def agents(workspace: Workspace, processes_with: Callable[[str], list[int]]) -> Callable[[], list[int]]:
    """Finds the agents of the workspace, as the host sees them; not the bwrap that waits for one."""

    def find() -> list[int]:
        found = processes_with(workspace.inside.parent.name)
        return [pid for pid in found if b"bwrap" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]]

    return find
