"""Shell commands as actions. Nothing is run: the text alone is read, and what is not understood is a `run`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from coder.supervisor.actions import END, Action, plain_path
from coder.supervisor.wording import word_set

_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1[^\n]*\n(.*?)\n\s*\2\s*(?=\n|$)", re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*")
_WRAPPERS = word_set("sudo time nice nohup env command exec timeout stdbuf xargs poetry uv pipenv hatch")
_RUNNERS = frozenset({"run"})
_READERS = word_set("cat nl bat less more tac view open")
_SEARCHERS = word_set("grep egrep fgrep rg ag ack")
_LISTERS = word_set("ls tree find fd stat wc du file")
_WAITS = word_set("sleep wait jobs ps pgrep top")
_FORMATTERS = word_set("black isort autopep8 yapf prettier gofmt rustfmt clang-format")
_TESTERS = word_set("pytest py.test tox nox ctest unittest jest vitest mocha phpunit rspec")
_TEST_VERBS = word_set(
    "npm yarn pnpm cargo go make mvn gradle ./gradlew dotnet bundle rake mix sbt stack swift bazel just"
)
_QUIET = word_set("echo true : export set cd pwd which source . clear printf test [")
_DIFFERENT_TESTS = ("-k", "-m", "--deselect", "--ignore", "-p", "--seed", "--count", "--last-failed", "--lf")


def actions_in(command: str) -> list[Action]:
    """The actions of a command line, with `cd` followed. Words that only set up or talk are left out."""
    bodies: list[str] = []

    def keep(match: re.Match[str]) -> str:
        bodies.append(match[3])
        return f"<<HEREDOC{len(bodies) - 1} "

    text = _HEREDOC.sub(keep, command.replace("\\\n", " "))
    found: list[Action] = []
    cwd = ""
    for pipeline in _pipelines(text):
        words = _bare(pipeline[0])
        if not words:
            continue
        if words[0] == "cd" and len(words) > 1:
            cwd = "" if words[1].startswith(("/", "~")) else plain_path(words[1], cwd)
            continue
        found += _pipeline(pipeline, cwd, bodies)
    return found


def _pipelines(text: str) -> list[list[list[str]]]:
    """Commands between `;`, `&&`, `||` and newlines, each as the words of its pipe's parts."""
    result: list[list[list[str]]] = []
    for line in text.split("\n"):
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;")
        lexer.whitespace_split = True
        lexer.commenters = ""
        try:
            tokens = list(lexer)
        except ValueError:  # a quote that goes over lines, or is not closed
            tokens = line.split()
        pipeline: list[list[str]] = [[]]
        for token in tokens:
            if token == "|":
                pipeline.append([])
            elif token and set(token) <= set("|&;"):
                result.append(pipeline)
                pipeline = [[]]
            else:
                pipeline[-1].append(token)
        result.append(pipeline)
    return [[part for part in pipeline if part] for pipeline in result if pipeline[0]]


def _bare(words: Sequence[str]) -> list[str]:
    """A command without assignments, wrappers (`timeout 60`, `poetry run`) and redirections of its noise."""
    rest = [w for w in words if not re.fullmatch(r"\d?>&\d|\d?>>?/dev/null|&>/dev/null|2>|\(|\)", w)]
    while rest:
        if _ASSIGNMENT.fullmatch(rest[0]):
            rest = rest[1:]
        elif rest[0].rsplit("/", 1)[-1] in _WRAPPERS and len(rest) > 1:
            rest = rest[1:]
            while rest and (rest[0].startswith("-") or re.fullmatch(r"[\d.]+[smh]?", rest[0]) or rest[0] in _RUNNERS):
                rest = rest[1:]
        else:
            break
    return rest


def _pipeline(parts: Sequence[Sequence[str]], cwd: str, bodies: Sequence[str]) -> list[Action]:
    words = _bare(parts[0])
    if not words:
        return []
    if edit := _written(words, " ".join(" ".join(p) for p in parts), cwd, bodies):
        return [edit]
    made = _simple(words, cwd, bodies)
    for part in parts[1:]:
        made = [_narrowed(action, _bare(part)) for action in made]
    return made


def _written(words: Sequence[str], line: str, cwd: str, bodies: Sequence[str]) -> Action | None:
    """A file written by redirection, tee or a here-document; None if the command writes none that is known."""
    body = "\n".join(bodies[int(n)] for n in re.findall(r"HEREDOC(\d+)", line) if int(n) < len(bodies))
    target = ""
    for at, word in enumerate(words):
        if match := re.fullmatch(r"\d?>>?(.*)", word):
            target = match[1] or (words[at + 1] if at + 1 < len(words) else "")
    if not target and "tee" in words[:1]:
        target = next((w for w in words[1:] if not w.startswith(("-", "<"))), "")
    if target in ("", "/dev/null", "&1", "&2") or (
        not body and words[0] not in ("echo", "printf", "cat", "tee", "sed")
    ):
        return None
    return Action("edit", plain_path(target, cwd), new=body or " ".join(words))


def _simple(words: Sequence[str], cwd: str, bodies: Sequence[str]) -> list[Action]:
    """One command, without its pipe."""
    name, rest = words[0].rsplit("/", 1)[-1], list(words[1:])
    plain = [w for w in rest if not w.startswith(("-", "<"))]
    body = "\n".join(bodies[int(n)] for n in re.findall(r"HEREDOC(\d+)", " ".join(rest)) if int(n) < len(bodies))
    if test := _test(name, rest, cwd):
        return [test]
    if name in ("head", "tail"):
        return _ends(name, rest, cwd)
    if name == "sed":
        return _sed(rest, cwd)
    if name == "awk":
        return _awk(plain, cwd)
    if name == "git":
        return _git(plain, " ".join(words), body)
    if name in _READERS and plain:
        return [Action("read", plain_path(path, cwd)) for path in plain]
    if name in _SEARCHERS and plain:
        where = sorted(plain_path(p, cwd) for p in plain[1:] if plain_path(p, cwd) != ".")
        return [Action("search", f"{plain[0]} in {' '.join(where)}" if where else plain[0])]
    if name in _LISTERS:
        return [
            Action("list", " ".join([name if name in ("wc", "du") else "", *map(plain_path, plain)]).strip() or ".")
        ]
    if name in _FORMATTERS or (name in ("ruff", "cargo", "go", "eslint") and {"format", "fmt", "--fix"} & set(rest)):
        return [Action("format", " ".join([name, *plain]))]
    if name in _WAITS:
        return [Action("wait", name)]
    if name in ("apply_patch", "patch"):
        return [Action("edit", "*", new=body or " ".join(words))]
    if name in ("mv", "rm", "cp", "chmod", "mkdir", "touch", "ln"):
        return [Action("edit", " ".join(plain_path(p, cwd) for p in plain) or name, new=name)]
    if name in _QUIET:
        ends = "SUBMIT_FINAL_OUTPUT" in " ".join(rest) or "MINI_SWE_AGENT_FINAL_OUTPUT" in " ".join(rest)
        return [Action("finish", "")] if ends else []
    if name in ("submit", "exit"):
        return [Action("finish", "")]
    return [Action("run", " ".join([*words, body]).strip())]


def _test(name: str, rest: Sequence[str], cwd: str) -> Action | None:
    """A run of tests by what it selects: how talkative or how quick to stop it is makes no difference."""
    words = [name, *rest]
    if re.fullmatch(r"python[\d.]*|py", name) and "-m" in rest[:-1]:
        words = list(rest[list(rest).index("-m") + 1 :])
    elif re.fullmatch(r"python[\d.]*", name) and rest and re.search(r"(^|/)(runtests|run_tests|manage)\.py$", rest[0]):
        words = ["pytest", *[w for w in rest[1:] if w != "test"]]
    elif name in _TEST_VERBS and any(w == "test" or w.startswith(("test:", "test-", "check")) for w in rest):
        return Action("test", " ".join([name, *rest]))
    if words[0] not in _TESTERS:
        return None
    kept: list[str] = []
    for at, word in enumerate(words[1:], 1):
        if word.startswith(_DIFFERENT_TESTS) or (at > 1 and words[at - 1] in _DIFFERENT_TESTS):
            kept.append(word)
        elif not word.startswith("-") and not word.startswith("<"):
            kept.append(plain_path(word, cwd))
    return Action("test", " ".join(sorted(kept)))


def _ends(name: str, rest: Sequence[str], cwd: str) -> list[Action]:
    """head and tail. Where the end of a file begins is not known, so a tail is a read of its own kind."""
    count, paths = 10, []
    words = iter(rest)
    for word in words:
        if word in ("-n", "--lines", "-c"):
            word = next(words, "")
        elif not word.startswith("-"):
            paths.append(plain_path(word, cwd))
            continue
        if digits := re.search(r"\d+", word):
            count = int(digits[0])
    if name == "head":
        return [Action("read", path, 1, count) for path in paths]
    return [Action("wait" if "-f" in rest or path.endswith((".log", ".out")) else "read", path) for path in paths]


def _sed(rest: Sequence[str], cwd: str) -> list[Action]:
    plain = [w for w in rest if not w.startswith("-")]
    if not plain:
        return []
    script, paths = plain[0], [plain_path(p, cwd) for p in plain[1:]]
    if any(w.startswith(("-i", "--in-place")) for w in rest):
        return [Action("edit", path, new=script) for path in paths]
    if match := re.fullmatch(r"(\d+)(?:,(\d+|\$))?p;?.*", script):
        last = END if match[2] == "$" else int(match[2] or match[1])
        return [Action("read", path, int(match[1]), last) for path in paths] or [
            Action("read", "", int(match[1]), last)
        ]
    return [Action("read", path) for path in paths]


def _awk(plain: Sequence[str], cwd: str) -> list[Action]:
    numbers = [int(n) for n in re.findall(r"NR\s*[<>=]=?\s*(\d+)", plain[0])] if plain else []
    span = (min(numbers), max(numbers)) if len(numbers) > 1 else (1, END)
    return [Action("read", plain_path(p, cwd), *span) for p in plain[1:2]] or [Action("run", " ".join(plain))]


def _git(plain: Sequence[str], line: str, body: str) -> list[Action]:
    verb = plain[0] if plain else ""
    if verb == "grep" and len(plain) > 1:
        return [Action("search", plain[1])]
    if verb in ("ls-files", "status"):
        return [Action("list", f"git {verb}")]
    if verb in ("apply", "checkout", "restore", "reset", "stash", "revert", "bisect", "switch", "clean"):
        return [Action("run", f"{line} {body}".strip())]
    return [Action("search", line)] if verb in ("diff", "log", "show", "blame") else [Action("run", line)]


def _narrowed(action: Action, words: Sequence[str]) -> Action:
    """An action whose output goes through another command: `cat f | head -20` reads the first 20 lines."""
    if not words or action.kind != "read":
        return action
    name = words[0].rsplit("/", 1)[-1]
    narrow: dict[str, Callable[[], list[Action]]] = {
        "head": lambda: _ends("head", [*words[1:], action.target], ""),
        "sed": lambda: _sed([*words[1:], action.target], ""),
    }
    if name in narrow:
        return next(iter(narrow[name]()), action)
    if name in _SEARCHERS:
        pattern = next((w for w in words[1:] if not w.startswith("-")), "")
        return Action("search", f"{pattern} in {action.target}")
    return action
