"""The command line: what it asks of coder.run, what it prints where, and how it ends."""

import functools
import importlib.machinery
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coder.cli import attempt, landing
from coder.cli.main import VERBS, main
from coder.errors import CoderError, EnvironmentFault
from coder.record.result import Result, Seconds, Verification
from coder.record.store import RunStore
from coder.task import Request

PATCH = "--- a/m.py\n+++ b/m.py\n@@ -1 +1 @@\n-a < b\n+a <= b\n"
RAW = PATCH.replace("a < b", "a < b # \x1b[2J\udcff\r")
"""A patch of a file with an escape sequence and a byte that is no text."""


@pytest.fixture(autouse=True)
def world(tmp_path: Path, monkeypatch) -> Iterator[None]:
    """A home, a configuration and an environment of its own."""
    for name in [name for name in os.environ if name.startswith("CODER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CODER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "repo").mkdir()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def coder(monkeypatch, capsys):
    """Run the command line in this process: exit code, stdout, stderr."""

    def run(*argv: object) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["coder", *map(str, argv)])
        code = main()
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return run


@pytest.fixture
def fixes(monkeypatch, tmp_path):
    """Put a run in the place of coder.run.fix: it ends as told, and keeps the requests it got."""

    def install(status="fixed", raises: BaseException | None = None, **fields) -> list:
        requests = []

        def fix(request, store, listen):
            requests.append(request)
            run = store.create(request.repo, request.goal, request.to_dict())
            run.log.listeners.append(listen)
            run.log.append("run", "start", {"repo": str(request.repo), "goal": request.goal})
            if raises:
                raise raises
            if status == "fixed":
                run.save_changes({"m.py": b"a <= b\n"})
            result = Result(run.id, status, run_dir=str(run.path), **fields)
            run.save_result(result)
            run.close()
            return result

        monkeypatch.setattr("coder.run.fix", fix)
        return requests

    return install


@pytest.fixture
def landed(monkeypatch):
    """Take note of what would be put into the repository."""
    calls = []

    def land(run, goes, branch=""):
        calls.append((goes, branch))
        return f"{goes} it is"

    monkeypatch.setattr(landing, "land", land)
    monkeypatch.setattr(landing, "refuse_impossible", lambda repo, branch: None)
    return calls


@pytest.fixture
def repo(tmp_path) -> Path:
    return tmp_path / "repo"


# help


@pytest.mark.parametrize("argv", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_verb(coder, argv):
    done = coder(*argv)
    assert done.code == 0
    assert all(f"  {verb} " in done.out for verb in VERBS)
    assert max(map(len, done.out.splitlines())) < 80


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_own_help(coder, verb):
    done = coder(verb, "--help")
    assert done.code == 0
    assert VERBS[verb].split()[0] in done.out
    assert f"Usage: coder {verb}" in done.out


def test_the_version(coder):
    assert coder("--version").out.startswith("coder 0.")


# wrong usage


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["fxi"], "fix"),
        (["fix", "--tme", "3"], "--time"),
        (["fix", "--steps", "many"], "--steps"),
        (["fix", "--time", "soon"], "90s, 10m, 1h"),
        (["fix", "--sandbox", "vm"], "auto, docker, bwrap, none"),
        (["fix", "--model", "gpt"], "ollama:NAME"),
        (["fix", "--repo", "/no/such/place"], "does not exist"),
        (["fix", "--repo", "/etc/passwd"], "is not a directory"),
        (["fix", "--junit", "/no/such/file"], "--junit"),
        (["fix", "--commit", "--no-apply"], "choose one"),
        (["fix", "--commit", "--branch", "b"], "choose one"),
        (["fix", "--apply", "--branch", "b"], "choose one"),
        (["fix", "--repo", "/usr", "--branch", "b"], "is not in a git repository"),
        (["fix", "--repo", "/usr", "--commit"], "is not in a git repository"),
        (["fix", "--test-cmd", "  "], "--test-cmd cannot be '  '; allowed: a command such as"),
        (["fix", "--test-cmd", '"pytest'], "--test-cmd cannot be"),
        (["resume"], "RUN"),
        (["resume", "nonsense"], "no run 'nonsense'"),
        (["show", "nonsense"], "no run 'nonsense'"),
        (["diff"], "no run of"),
        (["apply"], "no run of"),
        (["undo"], "no run of"),
    ],
)
def test_wrong_usage_is_said_on_stderr_and_ends_with_2(coder, fixes, argv, words):
    requests = fixes()
    done = coder(*argv)
    assert (done.code, done.out, requests) == (2, "", [])
    assert words in done.err
    assert "Traceback" not in done.err


def test_wrong_usage_with_json_is_one_object(coder, fixes):
    fixes()
    done = coder("fix", "--json", "--repo", "/no/such/place")
    result = json.loads(done.out)
    assert (done.code, result["status"], result["reason"]) == (
        2,
        "usage_error",
        "--repo /no/such/place: does not exist",
    )


@pytest.mark.parametrize("argv", [("fix", "--tme", "3"), ("fix", "--steps", "many"), ("resume",)])
def test_so_it_is_where_the_arguments_cannot_be_read(coder, fixes, argv):
    fixes()
    done = coder(*argv, "--json")
    result = json.loads(done.out)
    assert (done.code, result["status"], result["run_id"]) == (2, "usage_error", "")
    assert result["reason"]


def test_a_directory_in_place_of_the_configuration_is_said(coder, fixes, repo):
    fixes()
    (repo / ".coder.toml").mkdir()
    done = coder("fix", "--repo", repo)
    assert done.code == 2
    assert f"{repo}/.coder.toml: not a file" in done.err


def test_a_broken_configuration_names_file_and_key(coder, fixes, repo):
    fixes()
    (repo / ".coder.toml").write_text("sandbox = 'vm'")
    done = coder("fix", "--repo", repo)
    assert done.code == 2
    assert f"{repo}/.coder.toml: key 'sandbox'" in done.err
    (repo / ".coder.toml").write_text("test_cmd = ' '")
    assert f"{repo}/.coder.toml: key 'test_cmd' cannot be ' '; allowed:" in coder("fix", "--repo", repo).err


# fix


def test_the_flags_make_the_request(coder, fixes, repo):
    requests = fixes("not_fixed")
    coder(
        *("fix", "failing test x", "--repo", repo, "--test", "a", "--test", "b", "--test-cmd", "pytest t"),
        *("--model", "none", "--sandbox", "bwrap", "--time", "90s", "--steps", "7", "--tokens", "9", "--seed", "3"),
        *(
            "--tokens-in",
            "8",
            "--tokens-out",
            "6",
            "--model-calls",
            "5",
            "--test-runs",
            "4",
            "--samples",
            "5",
            "--disk",
            "2",
        ),
        *("--verify", "all", "--allow-test-edits", "--network"),
    )
    (request,) = requests
    assert request == Request(
        repo=repo,
        goal="failing test x",
        tests=("a", "b"),
        test_cmd="pytest t",
        model="none",
        sandbox="bwrap",
        time=90,
        steps=7,
        tokens=9,
        tokens_in=8,
        tokens_out=6,
        model_calls=5,
        test_runs=4,
        samples=5,
        disk=2,
        seed=3,
        verify="all",
        allow_test_edits=True,
        network=True,
    )


def test_the_repositorys_own_file_widens_nothing_and_a_warning_says_so(coder, fixes, repo):
    requests = fixes("not_fixed")
    (repo / ".coder.toml").write_text("network = true\nsteps = 5")
    done = coder("fix", "--repo", repo)
    assert (requests[0].network, requests[0].steps) == (False, 5)
    assert "warning" in done.err
    assert "'network'" in done.err


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("fixed", 0),
        ("not_fixed", 1),
        ("usage_error", 2),
        ("environment_error", 3),
        ("already_passing", 4),
        ("interrupted", 130),
    ],
)
def test_each_status_ends_with_its_exit_code(coder, fixes, repo, status, code):
    fixes(status, reason="because")
    told = coder("fix", "--repo", repo, "--no-apply")
    assert told.code == code and ("go on with: coder resume" in told.err) == (code in (3, 130))
    done = coder("fix", "--repo", repo, "--no-apply", "--json")
    assert (done.code, json.loads(done.out)["status"]) == (code, status)


def test_piped_the_patch_alone_is_on_stdout_byte_for_byte(fixes, repo, monkeypatch, capfdbinary):
    fixes(patch=RAW, seconds=Seconds(2.5, baseline=2.0))
    monkeypatch.setattr(sys, "argv", ["coder", "fix", "--repo", str(repo)])
    assert main() == 0
    out, err = capfdbinary.readouterr()
    assert out == RAW.encode("utf-8", "surrogateescape")
    assert b"fixed and verified" in err
    assert b"\x1b" not in err


def test_the_end_says_what_was_verified_how_long_it_took_and_where_the_record_is(coder, fixes, repo):
    verification = Verification("reachable", 1, 39, 390, [], ["t::clock"])
    fixes(patch=PATCH, goal_tests=["t::even"], verification=verification, seconds=Seconds(65, baseline=3, verify=1))
    done = coder("fix", "--repo", repo)
    for words in (
        "fixed and verified",
        "1 goal test passes; 39 of those that passed before pass still",
        "scope: only tests that can reach the change were run; 390 tests not run",
        "flaky, so they say nothing: t::clock",
        "took 1:05: baseline 3.0 s, verify 1.0 s",
        "record: ",
        "apply it: coder apply ",
    ):
        assert words in done.err


def test_an_unverified_best_state_is_not_called_fixed(coder, fixes, repo, landed):
    fixes("not_fixed", patch=PATCH, reason="the time budget is spent")
    done = coder("fix", "--repo", repo, "--apply")
    assert "not fixed: the time budget is spent" in done.err
    assert "not verified, so it is not applied" in done.err
    assert (done.code, landed) == (1, [])


@pytest.mark.parametrize(
    ("flags", "calls"),
    [
        (["--apply"], [("apply", "")]),
        (["--commit"], [("commit", "")]),
        (["--branch", "b"], [("branch", "b")]),
        (["--no-apply"], []),
        ([], []),
    ],
)
def test_the_patch_lands_only_where_it_was_asked_to(coder, fixes, repo, landed, flags, calls):
    fixes(patch=PATCH)
    done = coder("fix", "--repo", repo, *flags)
    assert (done.code, landed) == (0, calls)


def test_a_flag_outweighs_where_the_configuration_would_put_it(coder, fixes, repo, landed, tmp_path):
    fixes(patch=PATCH)
    (tmp_path / "config" / "coder").mkdir(parents=True)
    (tmp_path / "config" / "coder" / "config.toml").write_text("apply = true")
    for flags in ([], ["--branch", "b"], ["--no-apply"]):
        coder("fix", "--repo", repo, *flags)
    assert landed == [("apply", ""), ("branch", "b")]


def test_a_verified_patch_that_cannot_land_is_kept_and_ends_with_1(coder, fixes, repo, monkeypatch):
    fixes(patch=PATCH)

    def moved(run, goes, branch=""):
        raise CoderError("m.py is not as it was")

    monkeypatch.setattr(landing, "land", moved)
    done = coder("fix", "--repo", repo, "--apply", "--json")
    assert (done.code, json.loads(done.out)["status"]) == (1, "fixed")
    assert "verified but was not put in place: m.py is not as it was" in done.err


@pytest.mark.parametrize(
    ("answer", "calls"), [("y\n", [("apply", "")]), ("YES\n", [("apply", "")]), ("\n", []), ("", []), ("n\n", [])]
)
def test_at_a_terminal_it_asks_before_it_applies(coder, fixes, repo, landed, monkeypatch, answer, calls):
    fixes(patch=PATCH)
    monkeypatch.setattr(attempt.sys, "stdin", SimpleNamespace(isatty=lambda: True, readline=lambda: answer))
    monkeypatch.setattr(attempt.sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    done = coder("fix", "--repo", repo)
    assert f"Apply this patch to {repo}? [y/N]" in done.err
    assert landed == calls


# faults


def test_a_foreseen_fault_is_its_message(coder, fixes, repo):
    fixes(raises=EnvironmentFault("the disk is full\x1b[2J"))
    done = coder("fix", "--repo", repo, "--json")
    assert (done.code, json.loads(done.out)["status"]) == (3, "environment_error")
    assert "coder: the disk is full\n" in done.err
    assert "Traceback" not in done.err


def test_an_unforeseen_fault_is_a_line_and_its_traceback_is_in_the_record(coder, fixes, repo, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "tell-nobody")
    fixes(raises=ZeroDivisionError("by tell-nobody"))
    done = coder("fix", "--repo", repo, "--json")
    assert (done.code, json.loads(done.out)["status"]) == (1, "not_fixed")
    assert "a fault in coder itself: ZeroDivisionError" in done.err
    assert "Traceback" not in done.err
    (kept,) = (tmp_path / "home" / "runs").glob("*/traceback.txt")
    assert str(kept) in done.err
    assert "Traceback" in kept.read_text()
    assert "tell-nobody" not in kept.read_text()


def test_verbose_shows_the_traceback(coder, fixes, repo):
    fixes(raises=ZeroDivisionError("zero"))
    assert "Traceback" in coder("fix", "--repo", repo, "-v").err


def test_an_interrupt_ends_with_130_and_the_way_on(coder, fixes, repo):
    fixes(raises=KeyboardInterrupt())
    done = coder("fix", "--repo", repo)
    assert done.code == 130
    assert "coder resume " in done.err


@pytest.mark.parametrize("moment", ["coder.cli.dispatch", "coder.cli.fix"])
def test_an_interrupt_while_it_starts_is_answered_too(coder, monkeypatch, repo, moment):
    find_spec = importlib.machinery.PathFinder.find_spec

    def interrupted(name: str, *more: Any) -> Any:
        if name == moment:
            raise KeyboardInterrupt
        return find_spec(name, *more)

    monkeypatch.setattr(importlib.machinery.PathFinder, "find_spec", interrupted)
    for name in ("coder.cli.dispatch", "coder.cli.fix"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    done = coder("fix", "--repo", repo, "--json")
    assert done.code == 130 and done.err == "coder: interrupted\n"
    assert json.loads(done.out)["status"] == "interrupted"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_as_ctrl_c_does(repo, tmp_path, number):
    program = (
        "import sys, time, coder.run\n"
        "def fix(request, store, listen):\n"
        "    run = store.create(request.repo, '', {}); run.log.listeners.append(listen)\n"
        "    run.log.append('run', 'start', {'repo': 'here'}); time.sleep(60)\n"
        "coder.run.fix = fix\n"
        "from coder.cli.main import main\n"
        "sys.exit(main())"
    )
    argv = [sys.executable, "-c", program, "fix", "--repo", repo]
    wake = functools.partial(signal.signal, number, signal.SIG_DFL)  # whatever nohup has told these tests to ignore
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, preexec_fn=wake) as process:
        assert process.stderr
        assert "started" in process.stderr.readline()
        process.send_signal(number)
        words = process.stderr.read()
    assert process.returncode == 130
    assert "coder resume " in words
    (seen,) = RunStore(tmp_path / "home").list()
    assert (seen.status, seen.resumable) == ("interrupted", True)


def test_nobody_reading_is_no_fault(repo, tmp_path):
    store = RunStore(tmp_path / "home")
    run = store.create(repo, "", {})
    run.save_result(Result(run.id, "fixed", patch=PATCH * 20_000))
    run.close()
    for argv in (["diff", run.id], ["runs"], ["runs", "--json"], ["show", run.id], ["--help"]):
        read, write = os.pipe()
        os.close(read)
        with subprocess.Popen(
            [sys.executable, "-m", "coder.cli.main", *argv], stdout=write, stderr=subprocess.PIPE, text=True
        ) as process:
            os.close(write)
            assert process.stderr
            assert process.stderr.read() == ""
        assert process.returncode == 0, argv


# runs, show, diff, apply, undo


@pytest.fixture
def run(repo, tmp_path):
    """A run that fixed something."""
    run = RunStore(tmp_path / "home").create(repo, "failing test even", {})
    run.log.append("run", "start", {"repo": str(repo), "goal": "failing test even"})
    top = [{"path": "m.py", "line": 7, "score": 0.9, "reasons": ["in the traceback"]}]
    run.log.append("plan", "suspects", {"n": 1, "top": top})
    verification = Verification("all", 1, 9, 0, [], [])
    result = Result(run.id, "fixed", ["t::even"], RAW, ["m.py"], verification, run_dir=str(run.path))
    run.save_result(result)
    run.save_changes({"m.py": b"a <= b\n"})
    run.close()
    return run


def test_runs_as_a_list_and_as_json(coder, run, repo):
    assert f"{run.id}  fixed" in coder("runs").out
    (only,) = json.loads(coder("runs", "--json").out)
    assert only["repo"] == str(repo)


def test_no_runs_is_an_empty_list(coder):
    assert json.loads(coder("runs", "--json").out) == []
    assert "no runs yet" in coder("runs").err


def test_show_tells_the_story(coder, run, repo):
    for argv in (["show", run.id], ["show", run.id[-4:]], ["show", "--repo", repo]):
        out = coder(*argv).out
        for words in (
            "started: failing test even",
            "0.90  m.py:7",
            "in the traceback",
            "scope all",
            "drift",
            "seconds",
        ):
            assert words in out


def test_show_tells_what_there_is_of_a_run_without_result(coder, repo, tmp_path):
    run = RunStore(tmp_path / "home").create(repo, "", {})
    run.log.append("run", "start", {"repo": str(repo)})
    run.close()
    assert "interrupted, resumable" in coder("show", run.id).out


def test_diff_is_exact_when_piped(run):
    argv = [sys.executable, "-m", "coder.cli.main", "diff", run.id]
    assert subprocess.run(argv, capture_output=True, check=True).stdout == RAW.encode("utf-8", "surrogateescape")


def test_apply_refuses_a_run_without_a_verified_patch(coder, repo, tmp_path):
    run = RunStore(tmp_path / "home").create(repo, "", {})
    run.save_result(Result(run.id, "not_fixed", patch=PATCH))
    run.save_changes({"m.py": b"unverified"})
    run.close()
    done = coder("apply", run.id)
    assert done.code == 2
    assert "no verified patch" in done.err


def test_resume_drives_the_run_named(coder, run, monkeypatch):
    seen = []

    def resume(name, store, listen, budgets):
        seen.append((name, budgets))
        return run.result()

    monkeypatch.setattr("coder.run.resume", resume)
    done = coder("resume", run.id, "--json", "--time", "20m", "--model-calls", "9")
    assert (done.code, seen) == (0, [(run.id, {"time": 1200.0, "model_calls": 9})])
    assert json.loads(done.out)["run_id"] == run.id
