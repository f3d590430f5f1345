"""What the Action writes cannot be broken out of, and what it hands on holds nothing private."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from coder.github import action, runner, summary
from coder.github.action import Inputs

FIXED = {
    "status": "fixed",
    "run_id": "20260101-120000-ab12",
    "patch": "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a < b\n+a <= b\n",
    "verification": {"scope": "all", "goal_passed": 1, "still_passing": 41, "not_run": 0, "regressed": []},
    "seconds": {"total": 3.21},
    "sandbox": "docker",
    "model": "",
}


class Job:
    """The files and variables a runner gives to a step."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.output = path / "output"
        self.summary = path / "summary.md"
        self.set = monkeypatch.setenv
        for name, file in {"GITHUB_OUTPUT": self.output, "GITHUB_STEP_SUMMARY": self.summary}.items():
            file.touch()
            self.set(name, str(file))
        self.set("GITHUB_WORKSPACE", str(path))
        self.set("RUNNER_TEMP", str(path))

    def outputs(self) -> dict[str, str]:
        return read_outputs(self.output.read_text())


def read_outputs(text: str) -> dict[str, str]:
    """As the runner reads GITHUB_OUTPUT."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, delimiter = line.split("<<", 1)
        value = []
        for inner in lines:
            if inner == delimiter:
                break
            value.append(inner)
        found[name] = "\n".join(value)
    return found


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    return Job(tmp_path, monkeypatch)


def play(monkeypatch: pytest.MonkeyPatch, result: dict[str, Any]) -> None:
    monkeypatch.setattr(action, "run_coder", lambda inputs, home: result)


def test_a_fix_reaches_outputs_summary_and_patch_file(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, FIXED)
    job.set("CODER_ACTION_GOAL", "failing test x")
    assert action.main() == 0
    outputs = job.outputs()
    assert (outputs["status"], outputs["fixed"], outputs["run-id"]) == ("fixed", "true", FIXED["run_id"])
    assert Path(outputs["patch-file"]).read_text() == FIXED["patch"]
    assert Path(outputs["patch-file"]).parent == job.path
    text = job.summary.read_text()
    assert "## coder: Fixed and verified" in text and "` failing test x `" in text
    assert f"```diff\n{FIXED['patch']}```" in text
    assert "all tests were run: 1 goal test and 41 other tests pass; 0 regressions" in text
    assert "3.2 s, sandbox ` docker `, model none." in text


@pytest.mark.parametrize(
    "status, strict, code",
    [
        ("not_fixed", "false", 0),
        ("not_fixed", "true", 1),
        ("environment_error", "false", 0),
        ("environment_error", "true", 1),
        ("already_passing", "true", 0),
        ("fixed", "true", 0),
        ("interrupted", "false", 130),
    ],
)
def test_exit_code(job: Job, monkeypatch: pytest.MonkeyPatch, status: str, strict: str, code: int) -> None:
    play(monkeypatch, FIXED | {"status": status, "reason": "because"})
    job.set("CODER_ACTION_FAIL_ON_NOT_FIXED", strict)
    assert action.main() == code


@pytest.mark.parametrize("status", ["not_fixed", "environment_error"])
def test_no_patch_is_handed_out_that_is_not_verified(job: Job, monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    play(monkeypatch, FIXED | {"status": status})
    action.main()
    assert job.outputs()["patch-file"] == "" and job.outputs()["fixed"] == "false"
    assert list(job.path.glob("*.patch")) == []
    assert "diff" not in job.summary.read_text()


def test_quiet_when_not_fixed(job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    play(monkeypatch, {"status": "not_fixed", "reason": "nothing found"})
    action.main()
    assert capsys.readouterr().out == ""


def test_a_fault_of_the_environment_is_a_warning_on_one_line(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    play(monkeypatch, {"status": "environment_error", "reason": "no sandbox\n::error::forged 100%"})
    action.main()
    out = capsys.readouterr().out
    assert out == "::warning title=coder::Could not run: no sandbox ::error::forged 100%25\n"


def test_a_wrong_input_is_said(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.set("CODER_ACTION_FAIL_ON_NOT_FIXED", "yes")
    assert action.main() == 2
    assert "fail-on-not-fixed: must be true or false, not 'yes'" in capsys.readouterr().out


def test_an_output_cannot_set_another(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, {"status": "not_fixed", "run_id": "x\nfixed<<EOF\ntrue\nEOF", "reason": "r\nstatus=fixed"})
    action.main()
    outputs = job.outputs()
    assert outputs.keys() == {"status", "fixed", "patch-file", "run-id", "summary"}
    assert (outputs["fixed"], outputs["status"]) == ("false", "not_fixed")


def test_a_run_id_cannot_place_the_patch_file(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, FIXED | {"run_id": "../../etc/cron"})
    action.main()
    assert Path(job.outputs()["patch-file"]) == job.path / "coder-etccron.patch"


def test_bytes_that_are_not_utf8_survive_in_the_patch(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, FIXED | {"patch": json.loads('"-caf\\udce9\\n"')})
    action.main()
    assert Path(job.outputs()["patch-file"]).read_bytes() == b"-caf\xe9\n"


@pytest.mark.parametrize("text", ["```\n# loud\n```", "`````", "a ` b", "~~~\n</pre><script>"])
def test_a_block_cannot_be_left(text: str) -> None:
    block = summary.fenced(text, "diff").splitlines()
    fence = re.fullmatch(r"(`+)diff", block[0])
    assert fence is not None and block[-1] == fence[1]
    assert all(fence[1] not in line for line in block[1:-1])


@pytest.mark.parametrize("goal", ["a `` b", "x\n\n# heading", "`"])
def test_a_goal_stays_on_its_line(goal: str) -> None:
    line = summary.inline(goal)
    fence = re.match("`+", line)
    assert fence is not None and "\n" not in line
    assert fence[0] not in line[len(fence[0]) : -len(fence[0])]


def test_names_of_flaky_tests_mean_nothing_to_markdown() -> None:
    result = FIXED | {"verification": {"scope": "all", "flaky": ["t.py::x[<img src=a>](b)"]}}
    assert "\\<img src=a\\>\\]\\(b\\)" in summary.markdown(result, "")


def test_a_long_diff_is_cut() -> None:
    text = summary.markdown(FIXED | {"patch": "+" * 2_000_000}, "")
    assert len(text) < 60_000 and "1950000 more characters" in text


def test_what_was_not_run_is_said() -> None:
    seen = {"scope": "reachable", "goal_passed": 1, "still_passing": 3, "not_run": 7}
    assert "7 tests not run" in summary.verified({"verification": seen})
    assert "tests that can reach the change" in summary.verified({"verification": seen})


def test_the_environment_of_coder_holds_nothing_private() -> None:
    private = {
        "GITHUB_TOKEN", "GITHUB_ENV", "GITHUB_OUTPUT", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL",
        "RUNNER_TEMP", "INPUT_GOAL", "CODER_ACTION_GOAL", "NPM_TOKEN", "my_secret", "AWS_SECRET_ACCESS_KEY",
        "DB_PASSWORD", "OPENAI_API_KEY", "OPENAI_APIKEY", "SSH_PRIVATE_KEY",
    }  # fmt: skip
    kept = {"PATH": "/bin", "HOME": "/h", "LANG": "C", "VIRTUAL_ENV": "/v", "DOCKER_HOST": "unix:///d"}
    assert runner.public_environment(dict.fromkeys(private, "x") | kept) == kept


def test_inputs_cannot_pose_as_flags() -> None:
    values = {"GOAL": "--sandbox=none", "TEST_COMMAND": "--network", "SANDBOX": "bwrap", "TIME": "--apply"}
    values["IMAGE"] = "--network"
    environ = {f"CODER_ACTION_{name}": value for name, value in values.items()} | {"GITHUB_WORKSPACE": "/w"}
    argv = Inputs.read(environ).arguments()
    assert argv[-2:] == ["--", "--sandbox=none"]
    assert {"--test-cmd=--network", "--time=--apply", "--sandbox=bwrap", "--model=none", "--image=--network"} <= set(
        argv
    )


def test_commands_are_stopped_with_a_token_of_its_own_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with runner.no_commands():
            print("::set-env::")
    first, second = re.findall(r"::stop-commands::(\w+)\n::set-env::\n\n::\1::", capsys.readouterr().out)
    assert first != second
