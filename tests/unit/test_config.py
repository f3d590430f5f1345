"""Settings: four layers, and a repository that may narrow but never widen."""

from pathlib import Path
from typing import Any

import pytest

from coder.config import Loaded, Settings, load, parse_duration
from coder.errors import UsageError


@pytest.fixture
def layers(tmp_path):
    """Load with the texts of the files given."""

    def loaded(user="", project="", own="", env=None, **flags: Any) -> Loaded:
        repo, home = tmp_path / "repo", tmp_path / "config"
        for path, text in (
            (home / "config.toml", user),
            (repo / "pyproject.toml", project),
            (repo / ".coder.toml", own),
        ):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return load(repo, flags, env or {}, home)

    return loaded


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("1h", 3600), ("1h30m", 5400), (90, 90), ("1.5m", 90), (" 2M ", 120)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-5m", "soon", "5 apples", "1d", "nan", float("nan"), float("inf"), True, None, []]
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match="not"):
        parse_duration(text)


def test_nothing_set_gives_the_defaults(layers):
    assert layers() == Loaded(Settings())


def test_a_variable_that_means_nothing_is_said(layers):
    env = {"CODER_TIEM": "1m", "CODER_HOME": "/x", "CODER_STEPS": "3", "CODER_ACTION_GOAL": "", "OTHER": "1"}
    assert layers(env=env).warnings == ("the variable CODER_TIEM means nothing to coder; did you mean CODER_TIME?",)


def test_flag_then_variable_then_repository_then_user(layers):
    files = {"user": "seed = 1", "project": "[tool.coder]\nseed = 2", "own": ""}
    assert layers(user="seed = 1").settings.seed == 1
    assert layers(**files).settings.seed == 2
    assert layers(**files | {"own": "seed = 3"}).settings.seed == 3
    assert layers(**files, env={"CODER_SEED": "4"}).settings.seed == 4
    assert layers(**files, env={"CODER_SEED": "4"}, seed=5).settings.seed == 5


def test_flags_and_variables_may_exceed_what_the_repository_narrowed(layers):
    assert layers(own="time = '1m'", time="1h").settings.time == 3600
    assert layers(own="network = false", env={"CODER_NETWORK": "1"}).settings.network is True


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("time = '1m'", "time", 60),
        ("steps = 3", "steps", 3),
        ("tokens = 0", "tokens", 0),
        ("model_calls = 3", "model_calls", 3),
        ("disk = 100", "disk", 100),
        ("model = 'none'", "model", "none"),
        ("sandbox = 'bwrap'", "sandbox", "bwrap"),
        ("verify = 'all'", "verify", "all"),
        ("test-cmd = 'pytest tests'", "test_cmd", "pytest tests"),
    ],
)
@pytest.mark.parametrize("file", ["own", "project"])
def test_a_repository_may_narrow(layers, text, key, value, file):
    loaded = layers(**{file: text if file == "own" else f"[tool.coder]\n{text}"})
    assert getattr(loaded.settings, key) == value
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    "text",
    [
        "time = '1h'",
        "steps = 201",
        "tokens = 200001",
        "disk = 0",
        "disk = 4096",
        "network = true",
        "sandbox = 'none'",
        "model = 'openai:m@https://evil.example'",
        "model = 'ollama:m'",
        "verify = 'reachable'",
        "apply = true",
        "commit = true",
        "branch = 'main'",
        "allow_test_edits = true",
    ],
)
@pytest.mark.parametrize("file", ["own", "project"])
def test_a_repository_may_not_widen_and_the_reader_is_told(layers, text, file):
    name = ".coder.toml" if file == "own" else "pyproject.toml"
    loaded = layers(**{file: text if file == "own" else f"[tool.coder]\n{text}"})
    assert loaded.settings == Settings()
    (warning,) = loaded.warnings
    assert name in warning
    assert f"'{text.split()[0]}'" in warning


def test_narrow_is_measured_against_the_users_own_configuration(layers):
    loaded = layers(user="time = '2m'\nsandbox = 'docker'", own="time = '5m'\nsandbox = 'bwrap'")
    assert (loaded.settings.time, loaded.settings.sandbox) == (120, "docker")
    assert len(loaded.warnings) == 2
    assert layers(user="sandbox = 'none'", own="sandbox = 'bwrap'").settings.sandbox == "bwrap"


def test_every_setting_has_a_rule_for_repositories():
    from coder.config import _NARROWS

    assert _NARROWS.keys() == Settings.model_fields.keys()


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"own": "modle = 'none'"}, [".coder.toml", "'modle'", "did you mean 'model'", "known keys: model, sandbox"]),
        ({"own": "zzz = 1"}, [".coder.toml", "'zzz'", "sandbox", "test_cmd"]),
        ({"user": "sandbox = 'dcoker'"}, ["config.toml", "'sandbox'", "auto, docker, bwrap, none"]),
        ({"project": "[tool.coder]\ntime = 'soon'"}, ["pyproject.toml", "'time'", "90s, 10m, 1h"]),
        ({"project": "[tool]\ncoder = 1"}, ["pyproject.toml", "tool.coder"]),
        ({"own": "steps = 0"}, [".coder.toml", "'steps'", "whole number from 1"]),
        ({"own": "a = [["}, [".coder.toml", "not valid TOML"]),
        ({"env": {"CODER_STEPS": "many"}}, ["CODER_STEPS", "whole number"]),
        ({"sandbox": "vm"}, ["--sandbox", "auto, docker, bwrap, none"]),
        ({"test_cmd": 3}, ["--test-cmd"]),
        ({"model": "gpt"}, ["--model", "openai:NAME@URL"]),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_is_allowed(layers, where, words):
    with pytest.raises(UsageError) as caught:
        layers(**where)
    for word in words:
        assert word in str(caught.value)


def test_a_file_that_is_no_text_is_said_in_words(layers, tmp_path):
    layers()
    (tmp_path / "repo" / ".coder.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"\.coder\.toml: not valid TOML"):
        load(tmp_path / "repo", {}, {}, tmp_path)


def test_a_device_or_a_huge_file_is_not_read(tmp_path):
    (own := tmp_path / ".coder.toml").symlink_to("/dev/zero")
    with pytest.raises(UsageError, match="not a file"):
        load(tmp_path, {}, {}, tmp_path)
    own.unlink()
    (tmp_path / "pyproject.toml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(UsageError, match="too large"):
        load(tmp_path, {}, {}, tmp_path)


def test_the_users_directory_is_the_xdg_one(tmp_path):
    (tmp_path / "coder").mkdir()
    (tmp_path / "coder" / "config.toml").write_text("seed = 9")
    assert load(Path(tmp_path), {}, {"XDG_CONFIG_HOME": str(tmp_path)}).settings.seed == 9
