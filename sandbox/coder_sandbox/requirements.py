"""What a repository's tests need installed, read from its files: nothing of it is executed to find out."""

from __future__ import annotations

import configparser
import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")
FILES = (
    "requirements.txt", "requirements-dev.txt", "requirements-test.txt", "requirements-tests.txt",
    "dev-requirements.txt", "test-requirements.txt", "requirements_dev.txt", "requirements_test.txt",
)  # fmt: skip
GROUPS = {"test", "tests", "testing", "dev", "develop", "development"}
LARGEST = 16 << 20  # bytes of one file
LOCAL = re.compile(r"(?:-e|--editable)\b|\.{0,2}/|\.$|file:")
INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)[ =]*(\S+)")


@dataclass(frozen=True)
class Requirements:
    """Lines as pip takes them."""

    lines: tuple[str, ...]
    sources: tuple[str, ...]  # the files they are from
    locked: bool  # every version is given, those of dependencies too
    left_out: tuple[str, ...] = ()  # what no index has: the repository itself, other directories, git URLs

    @property
    def digest(self) -> str:
        """The same for the same requirements."""
        return hashlib.sha256("\n".join(self.lines).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def read_requirements(repo: Path) -> Requirements:
    """A lock file's, else those of requirement files, else what pyproject.toml or setup.cfg declare.

    ValueError naming the file if one cannot be understood.
    """
    try:
        return _without_options(_read(repo))
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"a table in them is not what it should be: {error}") from None


def _read(repo: Path) -> Requirements:
    for name in LOCKS:
        if (text := _text(repo, name)) is not None:
            return _locked(name, text)
    lines: list[str] = []
    left_out: list[str] = []
    sources = []
    for name in [*FILES, *sorted(f"requirements/{p.name}" for p in (repo / "requirements").glob("*.txt"))]:
        if (text := _text(repo, name)) is not None:
            sources.append(name)
            _flatten(repo, name, text, lines, left_out, {name})
    if not sources:
        lines, sources = _declared(repo)
    return Requirements(tuple(dict.fromkeys(lines)), tuple(sources), False, tuple(dict.fromkeys(left_out)))


def _without_options(found: Requirements) -> Requirements:
    """Without what would be an option to pip or an address, wherever it stands: which index is asked is the user's
    to say, not the repository's."""
    plain = tuple(line for line in found.lines if _is_plain(line))
    others = (line for line in found.lines if line not in plain)
    return replace(found, lines=plain, left_out=tuple(dict.fromkeys((*found.left_out, *others))))


def _is_plain(line: str) -> bool:
    """Whether it asks for a package by its name: one line, no option, no address."""
    line = re.sub(r"\s--hash[= ]\S+", "", line)
    more = re.search(r"\s-", line) or re.search(r"[@:]", line.partition(";")[0])
    return len(line.splitlines()) == 1 and re.match(r"[A-Za-z0-9]", line) is not None and not more


def _text(repo: Path, name: str) -> str | None:
    """A regular file of the repository itself, None if there is none: never what a link out of it leads to."""
    real, root = Path(os.path.realpath(repo / name)), Path(os.path.realpath(repo))
    if root not in real.parents or not real.is_file() or real.stat().st_size > LARGEST:
        return None
    return real.read_text("utf-8", "replace")


def _toml(name: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not valid TOML: {error}") from None


def _flatten(repo: Path, name: str, text: str, lines: list[str], left_out: list[str], seen: set[str]) -> None:
    """The requirements of a file and of those it includes. What lies in the repository itself needs no installing."""
    for raw in text.replace("\\\n", " ").splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        if not line:
            continue
        if include := INCLUDE.fullmatch(line):
            inner = os.path.normpath(os.path.join(os.path.dirname(name), include[2]))  # noqa: PTH118, PTH120
            if include[1] in ("-r", "--requirement") and inner not in seen:
                if (found := _text(repo, inner)) is None:
                    raise ValueError(f"{name}: it includes {include[2]}, which is no file of the repository")
                seen.add(inner)
                _flatten(repo, inner, found, lines, left_out, seen)
        elif line.startswith("-") and not LOCAL.match(line):
            continue  # an option: of no use here, and not worth a word
        elif LOCAL.match(line) or "://" in line:
            left_out.append(line)
        else:
            lines.append(line)


def _locked(name: str, text: str) -> Requirements:
    packages = _toml(name, text).get("packages" if name == "pylock.toml" else "package", [])
    markers = _markers(packages)
    lines, left_out = [], []
    for package in packages:
        source = package.get("source") or {}
        if package.get("optional") is True:
            continue
        from_index = not source or "registry" in source or source.get("type") == "legacy"
        if "version" not in package or not from_index or package.keys() & {"vcs", "directory", "archive"}:
            left_out.append(str(package.get("name")))
            continue
        own = package.get("marker") or package.get("markers")
        marker = own if isinstance(own, str) else markers.get(package["name"], "")
        lines.append(f"{package['name']}=={package['version']}" + (f" ; {marker}" if marker else ""))
    return Requirements(tuple(lines), (name,), True, tuple(left_out))


def _markers(packages: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """When each package is needed: if one that needs it says always, always; else under any of their conditions."""
    asked: dict[str, set[str]] = {}
    for package in packages:
        for dependency, marker in _edges(package):
            asked.setdefault(dependency, set()).add(marker)
    return {
        name: " or ".join(f"({marker})" for marker in sorted(conditions))
        for name, conditions in asked.items()
        if "" not in conditions
    }


def _edges(package: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    groups = [package.get("dependencies") or []]
    for key in ("dev-dependencies", "optional-dependencies"):
        groups += (package.get(key) or {}).values()
    for group in groups:
        if isinstance(group, dict):  # poetry: name -> version, or a table, or several
            for name, value in group.items():
                for table in value if isinstance(value, list) else [value]:
                    yield name, str(table.get("markers", "")) if isinstance(table, dict) else ""
        else:  # uv: tables; pdm: texts
            for item in group:
                if isinstance(item, dict) and "name" in item:
                    yield str(item["name"]), str(item.get("marker", ""))
                elif isinstance(item, str):
                    name, _, marker = item.partition(";")
                    yield re.split(r"[\s\[<>=!~]", name.strip())[0], marker.strip()


def _declared(repo: Path) -> tuple[list[str], list[str]]:
    lines: list[str] = []
    sources = []
    if (text := _text(repo, "pyproject.toml")) is not None:
        data = _toml("pyproject.toml", text)
        project = data.get("project") or {}
        lines += project.get("dependencies") or []
        groups = {**(project.get("optional-dependencies") or {}), **(data.get("dependency-groups") or {})}
        for name, group in groups.items():
            if name.lower() in GROUPS:
                lines += [item for item in group if isinstance(item, str)]
        if lines:
            sources.append("pyproject.toml")
    if (text := _text(repo, "setup.cfg")) is not None:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(text)
        except configparser.Error as error:
            raise ValueError(f"setup.cfg: {error}") from None
        found = parser.get("options", "install_requires", fallback="").splitlines()
        if parser.has_section("options.extras_require"):
            for name, value in parser.items("options.extras_require"):
                found += value.splitlines() if name.lower() in GROUPS else []
        if found := [line.strip() for line in found if line.strip()]:
            lines += found
            sources.append("setup.cfg")
    return lines, sources
