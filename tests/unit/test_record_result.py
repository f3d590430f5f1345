"""The result: exactly the keys of the design, and an exit code for each status."""

import json

import pytest

from coder.errors import CoderError, EnvironmentFault, NothingToFix, UsageError
from coder.record.result import EXIT_CODES, Alternative, Counts, Difference, Result, Verification, sandbox_in_words

KEYS = {
    "": "schema run_id status goal_tests patch files verification policy model sandbox counts drift seconds run_dir"
    " reason explanation warnings alternatives resume_with",
    "verification": "scope goal_passed still_passing not_run regressed flaky",
    "counts": "steps think_steps act_steps candidates model_calls prompt_tokens completion_tokens rollbacks",
    "drift": "overthinking overacting interventions calibrated evidence per_minute helped",
    "seconds": "total baseline plan edit test analyze verify",
}


@pytest.mark.parametrize("part", KEYS)
def test_the_keys_are_those_of_the_design(part):
    result = Result("r", "fixed").to_dict()
    assert list(result[part] if part else result) == KEYS[part].split()
    assert result["schema"] == "coder.result/1"


def test_it_survives_json():
    result = Result(
        "r", "fixed", ["t"], "+x\udcff", ["f"], Verification("all", 1, 2, 3, ["a"], ["b"]), counts=Counts(5)
    )
    assert Result.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_keys_of_a_newer_coder_are_ignored():
    data = Result("r", "not_fixed").to_dict() | {"new": 1, "counts": {"steps": 3, "new": 1}}
    assert Result.from_dict(data).counts == Counts(3)


@pytest.mark.parametrize("data", [{}, {"status": "fixed"}, {"run_id": "r", "status": "wonderful"}])
def test_what_is_no_result_is_refused(data):
    with pytest.raises(ValueError, match="not a coder result"):
        Result.from_dict(data)


@pytest.mark.parametrize(("status", "code"), EXIT_CODES.items())
def test_each_status_has_its_exit_code(status, code):
    assert Result("r", status).exit_code == code
    assert sorted(EXIT_CODES.values()) == [0, 1, 2, 3, 4, 130]


@pytest.mark.parametrize("fault", [CoderError, UsageError, EnvironmentFault, NothingToFix])
def test_a_fault_has_the_exit_code_of_its_result(fault):
    result = Result.of_fault(fault("why"))
    assert (result.exit_code, result.reason) == (fault.exit_code, "why")


@pytest.mark.parametrize(
    ("opened", "words"),
    [
        ({"name": "bwrap", "network": False, "allow_hosts": [], "image": ""}, "bwrap"),
        ({"name": "docker", "network": True}, "docker, with the network"),
        ({"name": "bwrap", "allow_hosts": ["a.org", "b.org:8080"]}, "bwrap, may reach a.org b.org:8080"),
        ({"name": "docker", "image": "python:3.12"}, "docker, image python:3.12"),
        ({}, ""),
    ],
)
def test_the_sandbox_says_what_is_open(opened, words):
    assert sandbox_in_words(opened) == words


def test_alternatives_survive_json():
    other = Alternative(1, "x", "+y", ["f"], True, ["w"], [Difference("f(1)", "returns 1", "returns 2")], "def test")
    result = Result("r", "fixed", alternatives=[other])
    assert Result.from_dict(json.loads(json.dumps(result.to_dict()))) == result
