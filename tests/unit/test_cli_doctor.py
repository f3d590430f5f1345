"""coder doctor: it can work here, or it says what is missing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from coder.cli import doctor
from coder.cli.doctor import Check, can_fix
from coder.cli.main import main
from coder_sandbox.promises import Outcome
from coder_sandbox.toolchain import Toolchain

WELL = [
    Check("git", True, "git version 2"),
    Check("python", True, "python"),
    Check("bwrap", False, "not installed", "one of the sandboxes"),
    Check("docker", True, "Docker 20", "one of the sandboxes"),
    Check("ollama", False, "not there", "optional"),
]


@pytest.fixture
def report(monkeypatch, capsys):
    """Run `coder doctor` over the checks given: exit code and output."""

    def run(*argv: str, checks=None):
        if checks is not None:
            monkeypatch.setattr(doctor, "_checks", lambda repo: [lambda check=check: check for check in checks])
        monkeypatch.setattr(sys, "argv", ["coder", "doctor", *argv])
        return main(), capsys.readouterr().out

    return run


def without(name: str) -> list[Check]:
    return [Check(c.name, c.ok and c.name != name, c.text, c.need) for c in WELL]


def test_one_sandbox_is_enough_and_a_model_is_not_needed(report):
    code, out = report(checks=WELL)
    assert code == 0
    assert "coder can work here" in out


@pytest.mark.parametrize("name", ["git", "python", "docker"])
def test_without_what_a_fix_needs_it_ends_with_3(report, name):
    assert not can_fix(without(name))
    code, out = report(checks=without(name))
    assert code == 3
    assert "coder cannot work here" in out


def test_json_says_the_same(report):
    code, out = report("--json", checks=without("git"))
    said = json.loads(out)
    assert (code, said["ok"]) == (3, False)
    assert said["checks"][0] == {"name": "git", "ok": False, "text": "git version 2", "need": "must"}


@pytest.fixture
def alone(monkeypatch):
    """Nothing of the machine's load or of what else runs on it: the promises are tried, and other servers found, in
    tests of their own."""
    monkeypatch.setattr("coder_sandbox.choose.probe", lambda kind: (True, f"{kind} 1.0"))
    monkeypatch.setattr("coder_sandbox.promises.check", lambda kind: iter([Outcome("no network", True, "")] * 2))
    monkeypatch.setattr("coder.models.choose.LM_STUDIO", "http://127.0.0.1:1")
    monkeypatch.setattr("coder.models.choose.LLAMA_SERVER", "http://127.0.0.1:1")


def test_every_real_check_answers_in_words(report, alone, tmp_path, monkeypatch):
    monkeypatch.setenv("CODER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")  # nobody listens there
    code, out = report("--json", "--repo", str(tmp_path))
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert list(checks) == ["git", "settings", "python", "pytest", "bwrap", "docker", "hardware", "model", "state"]
    assert all(check["text"] for check in checks.values())
    assert "GB of memory" in checks["hardware"]["text"] or "unified memory" in checks["hardware"]["text"]
    assert "no Ollama answers" in checks["model"]["text"]
    assert checks["docker"]["text"] == "docker 1.0; 2 of 2 promises hold here (coder sandbox check)"
    assert str(tmp_path / "home") in checks["state"]["text"]
    assert code == (0 if can_fix([Check(**check) for check in checks.values()]) else 3)


@pytest.mark.parametrize("fault", [TimeoutError(), ValueError("no such thing"), subprocess.TimeoutExpired("x", 5)])
def test_a_sandbox_that_cannot_be_tried_is_said(alone, monkeypatch, fault):
    def check(kind):
        raise fault
        yield

    monkeypatch.setattr("coder_sandbox.promises.check", check)
    found = doctor._sandbox("docker")
    assert (
        not found.ok and found.text.startswith("docker 1.0; its promises cannot be tried: ") and found.text[-1] != " "
    )


def test_a_git_that_does_not_answer_is_said(monkeypatch):
    def run(*args, timeout, **more):
        raise subprocess.TimeoutExpired(["git", "--version"], timeout)

    monkeypatch.setattr(subprocess, "run", run)
    assert not doctor._git().ok and "timed out" in doctor._git().text


def test_a_docker_daemon_that_stops_answering_is_said(monkeypatch):
    class Client:
        def info(self):
            raise OSError("read timed out")

        def close(self):
            pass

    from coder_sandbox import docker

    monkeypatch.setattr(docker, "connect", Client)
    works, words = docker.probe()
    assert not works and "and then failed: read timed out" in words


def test_a_state_directory_that_cannot_be_written_is_said(report, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CODER_HOME", str(tmp_path / "file" / "home"))
    check = doctor._state()
    assert not check.ok
    assert "CODER_HOME" in check.text


def test_the_repositorys_interpreter_is_looked_at_and_never_run(tmp_path: Path):
    environment = tmp_path / ".venv"
    (environment / "bin").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    python = environment / "bin" / "python"
    python.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    python.chmod(0o755)
    doctor._python(tmp_path)
    doctor._pytest(tmp_path)
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("shared", [True, False])
def test_the_packages_of_the_base_python_count_only_where_the_environment_sees_them(tmp_path, monkeypatch, shared):
    base, own = tmp_path / "base", tmp_path / "own"
    (base / "lib/python3.11/site-packages/pytest").mkdir(parents=True)
    for prefix in (base, own):
        (prefix / "bin").mkdir(parents=True)
    (base / "bin/python").write_text("")
    (own / "bin/python").symlink_to(base / "bin/python")
    (own / "pyvenv.cfg").write_text(f"include-system-site-packages = {str(shared).lower()}\n")
    monkeypatch.setattr(doctor, "_toolchain", lambda repo: type("Found", (), {"python": own / "bin/python"}))
    assert doctor._pytest(tmp_path).ok is shared


def test_settings_that_no_run_would_take_are_said(tmp_path):
    (tmp_path / ".coder.toml").write_text("tyme = '3m'\n")
    check = doctor._settings(tmp_path)
    assert not check.ok and "tyme" in check.text and ".coder.toml" in check.text


@pytest.mark.parametrize("there", [True, False])
def test_pytest_is_found_as_a_file(tmp_path, monkeypatch, there):
    python = tmp_path / "bin" / "python"
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    if there:
        (packages / "pytest").mkdir()
    monkeypatch.setattr(doctor, "_toolchain", lambda repo: type("Found", (), {"python": python}))
    assert doctor._pytest(tmp_path).ok is there


def test_a_model_that_cannot_be_pulled_ends_with_3(monkeypatch, capsys):
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")  # nobody listens there
    monkeypatch.setattr(sys, "argv", ["coder", "doctor", "--pull", "gemma4:e4b"])
    assert main() == 3
    assert "ollama serve" in capsys.readouterr().err


def test_another_language_is_told_with_what_runs_its_tests(tmp_path, monkeypatch):
    (tmp_path / "go.mod").write_text("module x\n")
    (tmp_path / "x_test.go").write_text("package x\n")
    tools = tmp_path.with_name("tools")
    tools.mkdir()
    monkeypatch.setattr(doctor, "_toolchain", lambda repo: Toolchain(Path("/usr/bin/python3"), (), {}, "PATH"))
    monkeypatch.setenv("PATH", str(tools))
    assert (found := doctor._runner(tmp_path)).name == "tests" and not found.ok and "go is not installed" in found.text
    (tools / "go").write_text("#!/bin/sh\n")
    (tools / "go").chmod(0o755)
    assert (found := doctor._runner(tmp_path)).ok and "go test" in found.text and "model" in found.text
