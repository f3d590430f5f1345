"""Settings: flag, then CODER_* variable, then the repository's own file, then the user's configuration.

A repository is somebody else's text. Its file (`[tool.coder]` in pyproject.toml, or .coder.toml) may narrow
what a run can do or use, never widen it: what would is left out, with a warning that names file and key.

Read with pydantic and tomllib alone: pydantic-settings costs 190 ms more of import, for what is a loop here.
"""

from __future__ import annotations

import os
import re
import shlex
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from coder.errors import UsageError

_LARGEST_FILE = 1 << 20  # bytes; a configuration file is never near it
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(value: object) -> float:
    """Seconds from 90, "90s", "10m", "1h" or "1h30m". ValueError for anything else, and for zero."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("not a duration")
    text = str(value).strip().lower()
    if not re.fullmatch(r"(?:\d+(?:\.\d+)?[hms])+|\d+(?:\.\d+)?", text):
        raise ValueError("not a duration")
    seconds = sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+(?:\.\d+)?)([hms]?)", text))
    if not 0 < seconds < float("inf"):
        raise ValueError("not above zero")
    return seconds


def _known_model(value: str) -> str:
    if not re.fullmatch(r"auto|none|ollama:\S+|openai:\S+@https?://\S+|hf:.+", value):
        raise ValueError("not a model")
    return value


def _test_command(value: str) -> str:
    if value and not shlex.split(value):
        raise ValueError("no command")
    return value


def _hosts(value: object) -> tuple[str, ...]:
    """Host names from a list, or from text with commas between them."""
    from coder_sandbox.hosts import AllowedHost

    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        raise ValueError("not a list of hosts")
    wanted = tuple(str(name).strip() for name in names)
    for name in wanted:
        AllowedHost.parse(name)
    return wanted


_OTHER_VARIABLES = ("CODER_HOME", "CODER_DEBUG", "CODER_CHECKPOINTS", "CODER_API_KEY", "CODER_API_KEY_ENV")


class Settings(BaseModel):
    """Everything that can be set. A field's description is what an error message names as allowed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: Annotated[str, AfterValidator(_known_model)] = Field(
        "auto", description="auto, none, ollama:NAME, openai:NAME@URL, hf:DIR"
    )
    sandbox: Literal["auto", "docker", "bwrap", "none"] = Field("auto", description="auto, docker, bwrap, none")
    test_cmd: Annotated[str, AfterValidator(_test_command)] = Field(
        "", description="a command such as 'pytest tests', 'npm test' or 'cargo test'"
    )
    time: Annotated[float, BeforeValidator(parse_duration)] = Field(
        600.0, description="a duration above zero such as 90s, 10m, 1h"
    )
    steps: int = Field(200, ge=1, description="a whole number from 1")
    tokens: int = Field(200_000, ge=0, description="a whole number from 0")
    tokens_in: int = Field(0, ge=0, description="a whole number, 0 for no limit")
    tokens_out: int = Field(0, ge=0, description="a whole number, 0 for no limit")
    model_calls: int = Field(0, ge=0, description="a whole number, 0 for no limit")
    test_runs: int = Field(0, ge=0, description="a whole number, 0 for no limit")
    samples: int = Field(3, ge=1, le=16, description="a whole number from 1 to 16")
    disk: int = Field(2048, ge=0, description="a whole number of MB, 0 for no limit")
    judge: Annotated[str, AfterValidator(lambda v: v and _known_model(v))] = Field(
        "", description="nothing, ollama:NAME, openai:NAME@URL, hf:DIR"
    )
    verify: Literal["auto", "all", "reachable"] = Field("auto", description="auto, all, reachable")
    apply: bool | None = Field(None, description="true, false")  # None: ask where somebody can answer
    commit: bool = Field(False, description="true, false")
    branch: str = Field("", description="the name of a new branch")
    allow_test_edits: bool = Field(False, description="true, false")
    allow_config_edits: bool = Field(False, description="true, false")
    network: bool = Field(False, description="true, false")
    allow_host: Annotated[tuple[str, ...], BeforeValidator(_hosts)] = Field(
        (), description="NAME or NAME:PORT, no wildcards; several as a list or with commas"
    )
    image: str = Field("", description="the name of a local container image")
    seed: int = Field(0, description="a whole number")


@dataclass(frozen=True)
class Loaded:
    """The settings that hold, and what the reader should know about how they came to be."""

    settings: Settings
    warnings: tuple[str, ...] = ()


def load(
    repo: Path,
    flags: Mapping[str, Any],
    environ: Mapping[str, str] = os.environ,
    user_dir: Path | None = None,
) -> Loaded:
    """Bring the four layers together. `flags`: those that were given, by field name.

    UsageError naming the file (or variable, or flag), the key and the allowed values if one of them is wrong.
    """
    values: dict[str, Any] = {}
    user = (user_dir or _user_dir(environ)) / "config.toml"
    if (table := _read_toml(user)) is not None:
        values |= _checked(table, _named(user))
    narrowed, warnings = _narrow(repo, values)
    values |= narrowed
    names = {key: f"CODER_{key.upper()}" for key in Settings.model_fields}
    variables = {key: environ[name] for key, name in names.items() if environ.get(name)}
    values |= _checked(variables, lambda key: f"the variable {names[key]}")
    values |= _checked(flags, lambda key: "--" + key.replace("_", "-"))
    return Loaded(Settings(**values), (*warnings, *_unknown_variables(names.values(), environ)))


def _unknown_variables(known: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """A word on each variable that looks like one of coder's and is none. No fault: another program may mean it."""
    known = {*known, *_OTHER_VARIABLES}
    names = sorted(
        n for n in environ if n.startswith("CODER_") and n not in known and not n.startswith("CODER_ACTION_")
    )
    near = {name: get_close_matches(name, known, n=1) for name in names}
    hints = {name: f"; did you mean {found[0]}?" if found else "" for name, found in near.items()}
    return [f"the variable {name} means nothing to coder{hint}" for name, hint in hints.items()]


def _narrow(repo: Path, base: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What the repository's own files may decide, given what holds without them; warnings about the rest."""
    held = Settings(**base)
    accepted: dict[str, Any] = {}
    warnings = []
    for file, table in _repository_tables(repo):
        for key, value in _checked(table, _named(file)).items():
            if _NARROWS[key](value, getattr(held, key)):
                accepted[key] = value
            else:
                warnings.append(
                    f"{file}: key {key!r} is ignored: a repository's own file may not set it to {value!r} "
                    f"(use --{key.replace('_', '-')} or your own configuration)"
                )
    return accepted, warnings


def _lower(new: Any, held: Any) -> bool:
    return bool(new <= held)


def _tighter(new: int, held: int) -> bool:
    """Of a limit for which 0 is none."""
    return new == held or (new > 0 and (held == 0 or new < held))


def _off(new: object, held: object) -> bool:
    return not new or new == held


def _free(new: object, held: object) -> bool:
    return True


_NARROWS: Mapping[str, Callable[[Any, Any], bool]] = {
    "model": lambda new, held: new == "none" or new == held,
    "sandbox": lambda new, held: new == held or (new in ("docker", "bwrap") and held in ("auto", "none")),
    "test_cmd": _free,  # it runs inside the sandbox only
    "time": _lower,
    "steps": _lower,
    "tokens": _lower,
    "tokens_in": _tighter,
    "tokens_out": _tighter,
    "model_calls": _tighter,
    "test_runs": _tighter,
    "samples": _lower,
    "disk": _tighter,
    "judge": _off,
    "verify": lambda new, held: new == "all" or new == held,
    "apply": _off,
    "commit": _off,
    "branch": _off,
    "allow_test_edits": _off,
    "allow_config_edits": _off,
    "network": _off,
    "allow_host": lambda new, held: set(new) <= set(held),
    "image": _off,
    "seed": _free,
}


def _repository_tables(repo: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The tables a repository has for coder, the more specific file last."""
    tables = []
    project = _read_toml(repo / "pyproject.toml")
    if project is not None and isinstance(tool := project.get("tool"), dict) and "coder" in tool:
        table = tool["coder"]
        if not isinstance(table, dict):
            raise UsageError(f"{repo / 'pyproject.toml'}: tool.coder is not a table")
        tables.append((repo / "pyproject.toml", table))
    if (own := _read_toml(repo / ".coder.toml")) is not None:
        tables.append((repo / ".coder.toml", own))
    return tables


def _read_toml(path: Path) -> dict[str, Any] | None:
    """The file's content, None if there is no such file. UsageError if it cannot be read as TOML."""
    try:
        if not path.is_symlink() and not path.exists():
            return None
        if not path.is_file():
            raise UsageError(f"{path}: not a file, so no configuration can be read from it")
        if path.stat().st_size > _LARGEST_FILE:
            raise UsageError(f"{path}: too large for a configuration file (over {_LARGEST_FILE >> 20} MiB)")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error


def _checked(values: Mapping[str, Any], name: Callable[[str], str]) -> dict[str, Any]:
    """The values, validated and converted. `name` says where a key comes from. UsageError if one is wrong."""
    known = {key.replace("-", "_"): value for key, value in values.items()}
    try:
        valid = Settings(**known)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(_complaint(str(first["loc"][0]), first, name)) from None
    return {key: getattr(valid, key) for key in known}


def _named(file: Path) -> Callable[[str], str]:
    return lambda key: f"{file}: key {key!r}"


def _complaint(key: str, error: Mapping[str, Any], name: Callable[[str], str]) -> str:
    if error["type"] == "extra_forbidden":
        keys = list(Settings.model_fields)
        near = get_close_matches(key, keys, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        return f"{name(key)} is not known; {hint}known keys: {', '.join(keys)}"
    return f"{name(key)} cannot be {error['input']!r}; allowed: {Settings.model_fields[key].description}"


def _user_dir(environ: Mapping[str, str]) -> Path:
    if base := environ.get("XDG_CONFIG_HOME"):
        return Path(base) / "coder"
    from platformdirs import user_config_path

    return user_config_path("coder")
