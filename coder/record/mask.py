"""Secrets leave no trace in the record: each is replaced by `[masked:KIND]`.

Two sources: the values of environment variables whose names look secret, and the shapes of known credentials
(detect-secrets' plugins, imported only when a text could hold one: the import costs tens of milliseconds).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:\w*API_?KEY|KEY|\w*TOKEN|\w*SECRET|\w*PASSW(?:OR)?D|PASS|PASSPHRASE|PWD|\w*CREDENTIALS?|AUTH|COOKIE|DSN)"
    r"(?:_?ID|_?VALUE|S|_\d+)?$",
    re.IGNORECASE,
)
_NOT_SECRET = frozenset({"PWD", "OLDPWD"})
_SHORTEST = 6  # characters; masking anything shorter would garble ordinary text

_COULD_HOLD_ONE = re.compile(
    r"-----BEGIN |AKIA|ASIA|ABIA|ACCA|A3T|(?i:aws)|AccountKey|://[^\s/:@]+:[^\s/@]+@|gh[pousr]_|github_pat_|gl\w{2,6}-|GR1348941|sk-|[sr]k_live|eyJ"
    r"|xox|hooks\.slack|npm_|_authToken|pypi-|SG\.|sq0|AKC|AP[\dABCDEF]|\d{8,10}:|[MNO][\w-]{23,25}\."
    r"|-us\d|(?:AC|SK)[0-9a-z]{32}"
)
_SHAPES = (
    (
        "private-key",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*-----|\Z)", re.S),
    ),
    ("json-web-token", re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?")),
    ("github-token", re.compile(r"\bgithub_pat_\w{22,}")),
    ("api-key", re.compile(r"\bsk-(?:ant-|proj-|or-)?[\w-]{20,}")),
)
"""Shapes that the plugins miss, or match only in part."""

_PLUGINS = (
    "artifactory.ArtifactoryDetector",
    "aws.AWSKeyDetector",
    "azure_storage_key.AzureStorageKeyDetector",
    "basic_auth.BasicAuthDetector",
    "discord.DiscordBotTokenDetector",
    "github_token.GitHubTokenDetector",
    "gitlab_token.GitLabTokenDetector",
    "jwt.JwtTokenDetector",
    "mailchimp.MailchimpDetector",
    "npm.NpmDetector",
    "openai.OpenAIDetector",
    "pypi_token.PypiTokenDetector",
    "sendgrid.SendGridDetector",
    "slack.SlackDetector",
    "square_oauth.SquareOAuthDetector",
    "stripe.StripeDetector",
    "telegram_token.TelegramBotTokenDetector",
    "twilio.TwilioKeyDetector",
)
"""The ones that know a credential by its shape. Entropy and keyword guesses are left out: they would mask the
hashes, identifiers and assertions that a record of a test run is made of."""


class Masker:
    """Replaces secrets in texts and in JSON-like values."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        found = {
            value: name
            for name, value in (os.environ if environ is None else environ).items()
            if len(value) >= _SHORTEST and name not in _NOT_SECRET and _SECRET_NAME.search(name)
        }
        # The longest first, so that a secret that contains another is masked whole.
        self._values = sorted(found.items(), key=lambda item: -len(item[0]))

    def text(self, text: str) -> str:
        """The text with every secret in it replaced."""
        for value, name in self._values:
            if value in text:
                text = text.replace(value, self._marker(name, value))
        return self._mask_shapes(text) if _COULD_HOLD_ONE.search(text) else text

    def _mask_shapes(self, text: str) -> str:
        for kind, pattern in _SHAPES + _plugin_shapes():
            text = pattern.sub(partial(self._matched, kind), text)
        return text

    def _matched(self, kind: str, match: re.Match[str]) -> str:
        return self._marker(kind, match[0])

    def _marker(self, kind: str, secret: str) -> str:
        """What stands in the secret's place."""
        return f"[masked:{kind}]"

    def value(self, value: Any) -> Any:
        """A copy that JSON can hold, masked all through; sets become sorted lists, NaN becomes None."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, set | frozenset):
            return [self.value(item) for item in sorted(value, key=str)]
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return self.text(str(value))


class Blindfold(Masker):
    """Masks what a model is sent, and puts the secrets back into what it answers: a line that it copies into an edit
    must come out as it is in the file. Each secret has a marker of its own.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        super().__init__(environ)
        self._markers: dict[str, str] = {}  # secret -> marker

    def _marker(self, kind: str, secret: str) -> str:
        if secret not in self._markers:
            alike = sum(marker.startswith(f"[masked:{kind}") for marker in self._markers.values())
            self._markers[secret] = f"[masked:{kind}-{alike + 1}]" if alike else f"[masked:{kind}]"
        return self._markers[secret]

    def restore(self, value: Any) -> Any:
        """A copy of a JSON-like value with every marker replaced by its secret."""
        if isinstance(value, str):
            for secret, marker in reversed(self._markers.items()):  # a secret may hold the marker of an earlier one
                value = value.replace(marker, secret)
            return value
        if isinstance(value, Mapping):
            return {self.restore(key): self.restore(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.restore(item) for item in value]
        return value


@cache
def _plugin_shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The plugins' patterns. Their own search is not used: for some it returns a prefix of the secret."""
    from importlib import import_module

    shapes = []
    for name in _PLUGINS:
        module, _, cls = name.partition(".")
        plugin = getattr(import_module(f"detect_secrets.plugins.{module}"), cls)()
        kind = plugin.secret_type.lower().replace(" ", "-")
        shapes += [(kind, pattern) for pattern in plugin.denylist]
    return tuple(shapes)
