"""Secrets leave no trace in the record, and ordinary text is left alone."""

import sys

import pytest

from coder.record.mask import Masker

# Put together here, so that no scanner takes this file for a leak.
SHAPES = {
    "github-token": "gh" + "p_" + "a1B2c3D4" * 4 + "e5F6",
    "json-web-token": "ey" + "JhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N",
    "aws-access-key": "AK" + "IAIOSFODNN7EXAMPLE",
    "slack-token": "xo" + "xb-123456789012-123456789012-abcdefABCDEF",
    "stripe-access-key": "sk" + "_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "api-key": "sk" + "-proj-" + "abcDEF123456abcDEF123456",
    "private-key": "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIEpAIB\nAAKCAQEA\n-----END RSA PRIVATE KEY-----",
    "basic-auth-credentials": "://user:" + "hunter2hunter2@",
}


@pytest.mark.parametrize("kind", SHAPES)
def test_a_credential_is_masked_whole_by_its_shape(kind):
    masked = Masker({}).text(f"before {SHAPES[kind]} after")
    assert masked == f"before [masked:{kind}] after"


@pytest.mark.parametrize(
    "name",
    [
        *("GITHUB_TOKEN", "API_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "client_secret", "SECRETS"),
        *("DB_PASSWORD", "PGPASSWORD", "GPG_PASSPHRASE", "MYSQL_PWD", "SENTRY_DSN", "DOCKER_AUTH"),
    ],
)
def test_values_of_secret_looking_variables_are_masked(name):
    assert Masker({name: "correct horse"}).text("say correct horse!") == f"say [masked:{name}]!"


@pytest.mark.parametrize("name", ["PATH", "HOME", "PWD", "KEYBOARD", "TOKENIZERS_PARALLELISM", "MONKEY"])
def test_values_of_ordinary_variables_are_not(name):
    assert Masker({name: "/usr/local"}).text("in /usr/local") == "in /usr/local"


def test_a_short_value_is_not_masked_because_it_would_garble_everything():
    assert Masker({"API_KEY": "test"}).text("test_more.py") == "test_more.py"


def test_of_two_secrets_the_longer_is_masked_whole():
    masker = Masker({"A_KEY": "abcdef", "B_KEY": "abcdefghij"})
    assert masker.text("abcdefghij abcdef") == "[masked:B_KEY] [masked:A_KEY]"


def test_values_are_masked_through_and_through():
    masker = Masker({"A_KEY": "abcdef"})
    value = {"abcdef": [("abcdef", {"x": {"abcdef"}})], "n": 1, "b": True, "none": None, "nan": float("nan")}
    seen = "[masked:A_KEY]"
    assert masker.value(value) == {seen: [[seen, {"x": [seen]}]], "n": 1, "b": True, "none": None, "nan": None}


@pytest.mark.parametrize(
    "text",
    [
        "tests/test_more.py::ChunkedTests::test_even[1-2-3]",
        "assert 'da39a3ee5e6b4b0d3255bfef95601890afd80709' == password",
        "E       KeyError: 'secret_token'",
        "10:30:59 took 1234567890 us; see https://example.org/a:b",
        "-    return a < b\n+    return a <= b",
    ],
)
def test_ordinary_text_stays_as_it_is(text):
    assert Masker({}).text(text) == text


def test_plugins_are_loaded_only_for_a_text_that_could_hold_a_secret(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("detect_secrets")]:
        monkeypatch.delitem(sys.modules, name)
    Masker({}).text("tests/test_more.py::test_even failed: assert 1 == 2")
    assert not any(name.startswith("detect_secrets") for name in sys.modules)
