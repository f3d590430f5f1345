"""What the JavaScript runners share: package.json, test files and the tests that a file's text names."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from coder_sandbox.programs import Needs
from coder_tools.runners.contract import ASSIGNMENT, Project
from coder_tools.runners.named import named

SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
CONFIGURATION = (
    *("package.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml", ".npmrc", ".yarnrc", ".yarnrc.yml", ".pnp.*"),
    *("jest.config.*", "jest.setup.*", "vitest.config.*", "vitest.setup.*", "vitest.workspace.*", "vite.config.*"),
    *("babel.config.*", ".babelrc*", ".swcrc", "tsconfig*.json", "jsconfig.json", ".mocharc.*", "setupTests.*"),
    *("node_modules/*", "*/node_modules/*"),
)
NEEDS = Needs(
    programs=("node",),
    inside=("node_modules",),
    env={"CI": "1", "NO_COLOR": "1", "FORCE_COLOR": "0", "NODE_DISABLE_COMPILE_CACHE": "1"},
)
TEST_FILE = re.compile(
    r"(.*/)?([^/]+[._-](test|spec)|test|test-[^/]+)\.[cm]?[jt]sx?|(.*/)?(__tests__|tests?)/.*\.[cm]?[jt]sx?"
)
_CONFIGURED = re.compile(r"(.*/)?(package\.json|(jest|vitest|vite)\.(config|workspace)\.[^/]+)")
_SET_UP = re.compile(
    r"\b(?:setupFiles\w*|globalSetup|globalTeardown|snapshotSerializers|testEnvironment)[\"']?\s*:\s*"
    r"(\[[^\]]*\]|[\w.]+\([^)]*\)|(['\"`]).*?\2)"
)
_STRING = re.compile(r"(['\"`])(?:<rootDir>/|\./)?(.+?)\1")
_FOREIGN = re.compile(r"\s+at .*(node_modules|node:|<anonymous>\)$|processTicksAndRejections)")
_RUN = {("npm", "test"), ("npm", "t"), ("yarn", "test"), ("pnpm", "test"), ("bun", "test")}
_QUOTED = r"""\(\s*(['"`])(?P<{0}>(?:\\.|(?!\{1}).)*)\{1}"""
_NAMED = re.compile(
    r"(?<![\w$.])(?:describe|suite)(?:\.\w+)*"
    + _QUOTED.format("group", 1)
    + r"|(?<![\w$.])(?:test|it)(?:\.\w+)*"
    + _QUOTED.format("test", 3)
)


def package(project: Project) -> dict[str, Any]:
    """package.json; {} where there is none that can be read."""
    try:
        found = json.loads(project.text("package.json").removeprefix("\ufeff") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def fault(project: Project) -> str:
    """What is wrong with package.json; "" where it can be read, or there is none."""
    try:
        json.loads(project.text("package.json").removeprefix("\ufeff") or "{}")
    except ValueError as error:
        return str(error)
    return ""


def depends_on(project: Project, name: str) -> bool:
    """Whether package.json names a package among what is needed."""
    own = package(project)
    return any(name in (own.get(key) or {}) for key in ("dependencies", "devDependencies", "peerDependencies"))


def script(project: Project, name: str = "test") -> list[str]:
    """The words of a script of package.json; [] if there is none, or a pipeline."""
    scripts = package(project).get("scripts")
    text = scripts.get(name) if isinstance(scripts, dict) else None
    if not isinstance(text, str) or re.search(r"[|&;<>]", text):
        return []
    try:
        return shlex.split(text)
    except ValueError:
        return []


def set_up(project: Project) -> frozenset[str]:
    """The files that jest's or vitest's configuration has run before the tests, or about them."""
    found = set()
    for config in filter(_CONFIGURED.fullmatch, project.files):
        beside = config.rpartition("/")[0]
        for value in _SET_UP.finditer(project.text(config)):
            for name in _STRING.finditer(value[1]):
                for path in (f"{beside}/{name[2]}".lstrip("/"), name[2]):
                    found |= {path, *(path + suffix for suffix in SUFFIXES)} & project.names
    return frozenset(found)


def called(words: Sequence[str], project: Project) -> tuple[list[str], list[str]]:
    """What a command calls in the end, and the variables set before it: `npm test -- x` is the script with x."""
    assigned, words = plain(words)
    if tuple(words[:2]) in _RUN or (len(words) > 2 and words[:2] == ["npm", "run"]):
        name = words[2] if words[:2] == ["npm", "run"] else "test"
        rest = words[3:] if words[:2] == ["npm", "run"] else words[2:]
        more, own = plain(script(project, name))
        if own:
            return [*assigned, *more], [*own, *(word for word in rest if word != "--")]
    return assigned, words


def plain(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The variables that a command sets, and the command without what else stands before its program."""
    words = list(words)
    assigned: list[str] = []
    while words:
        if ASSIGNMENT.match(words[0]):
            assigned.append(words.pop(0))
        elif words[0] in ("cross-env", "c8", "npx", "exec"):
            words = words[1:]
        elif words[:2] in (["pnpm", "exec"], ["yarn", "exec"], ["npm", "exec"], ["yarn", "run"], ["pnpm", "run"]):
            words = words[2:]
        else:
            break
    return assigned, words


def kept(words: Iterable[str], dropped: Sequence[str]) -> list[str]:
    """The arguments without flags that would have it watch, measure or report otherwise (`--x` and `--x=y`)."""
    return [word for word in words if word.split("=", 1)[0] not in dropped]


def parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The flags, with the word after each that may be its value, and the files or directories."""
    options: list[str] = []
    files: list[str] = []
    for before, word in zip(["", *words], words, strict=False):
        is_value = before.startswith("-") and "=" not in before
        (options if word.startswith("-") or is_value else files).append(word)
    return options, files


def test_files(project: Project) -> list[str]:
    """The files that hold tests, by their names."""
    return [path for path in project.files if TEST_FILE.fullmatch(path) and path.endswith(SUFFIXES)]


def tests_in(path: str, text: str) -> list[str]:
    """Ids of the tests that a file names in plain words, with their suites; not those whose names are computed."""
    ids = ("::".join([path, *names]) for names in named(text, _NAMED, "()"))
    return [test_id for test_id in ids if "${" not in test_id]


def own_lines(message: str) -> str:
    """A failure's text without the calls inside the runner and its packages."""
    lines = message.split("\n")
    return "\n".join(line for line in lines if not _FOREIGN.match(line))
