"""cargo test, Rust's own runner, read from what its harness prints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from coder_sandbox.programs import Cache, Needs
from coder_tools.contract import Outcome, TestResult
from coder_tools.runners import told
from coder_tools.runners.contract import Broken, Call, Command, Project, Ran, Report, Runner, name_of
from coder_tools.runners.named import named
from coder_tools.runners.traces import explained, frames_in

_TARGET = re.compile(r"^\s+Running (?:unittests )?(?P<path>\S+\.rs)? ?\((?P<binary>\S+?)(?:-[0-9a-f]{16})?(?:\.exe)?\)")
_DOCUMENTATION = re.compile(r"^\s+Doc-tests (\S+)")
_RESULT = re.compile(
    r"^test (?P<name>.+?)(?: - should panic| - compile(?: fail)?)? \.\.\. (?P<word>ok|FAILED|ignored)\b"
)
_SECTION = re.compile(r"^---- (?P<name>.+?) (?:stdout|stderr) ----$")
_SUMMARY = re.compile(r"^test result: ")
_EXAMPLE = re.compile(r"^(?P<path>\S+\.rs) - (?P<name>.*?) ?\(line \d+\)$")
_UNREACHABLE = re.compile(
    r"no matching package|failed to (get|load source|download|fetch)|you're using offline mode|--offline"
)
_ERRORS = re.compile(r"^error", re.MULTILINE)
_MODULE = re.compile(
    r"\bmod\s+(?P<group>\w+)\s*\{|#\[(?:\w+::)?test\b[^\]\n]{0,200}\](?:\s{0,50}#\[[^\]\n]{0,200}\]|\s{0,50}//[^\n]{0,200}){0,9}\s{0,50}"
    r"(?:pub(?:\([^)]*\))?\s+)?(?:async\s+)?fn\s+(?P<test>\w+)"
)
_PACKAGE = re.compile(r'^\[package\][^\[]*?^name\s*=\s*"([^"]+)"', re.MULTILINE | re.DOTALL)
_WORDS: dict[str, Outcome] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
_NOT_FOUND = 127  # the shell's exit code for a program that is not there
_EXAMPLE_MARK = "example "  # in an id, before the name of what a documentation example explains
_BEGINS = "\nrunning "
_EXAMPLES = 40.0  # seconds, beyond a test's own, in which the examples of a crate are compiled without a word
_DROPPED = ("--no-fail-fast", "--nocapture", "--no-capture", "-q", "--quiet", "-v", "--verbose", "--no-run", "--exact")


class CargoTest(Runner):
    """Ids: `src/lib.rs::money::tests::adds`, `tests/whole.rs::sells`; of an example `src/lib.rs::example add`."""

    name = "cargo test"
    suffixes = (".rs",)
    streams = True
    configuration = (
        *("Cargo.toml", "Cargo.lock", "rust-toolchain", "rust-toolchain.toml", "build.rs", "clippy.toml"),
        *(".cargo/*", "*/.cargo/*", "vendor/*"),
    )
    needs = Needs(
        programs=("cargo", "rustc"),
        caches=(Cache(".cargo", named_by="CARGO_HOME", parts=("registry", "git"), variable="CARGO_HOME"),),
        env={"CARGO_NET_OFFLINE": "true", "CARGO_TERM_COLOR": "never", "RUST_BACKTRACE": "1", "CARGO_INCREMENTAL": "1"},
    )

    def detect(self, project: Project) -> str:
        return "it has a Cargo.toml" if "Cargo.toml" in project.files else ""

    def arguments(self, words: Sequence[str], project: Project) -> tuple[str, ...] | None:
        if words[0].rsplit("/", 1)[-1] != "cargo" or list(words[1:2]) not in (["test"], ["t"]):
            return None
        return tuple(word for word in words[2:] if word not in _DROPPED)

    def commands(self, call: Call) -> list[Command]:
        own = list(call.args)
        split = own.index("--") if "--" in own else len(own)
        harness = own[split + 1 :]
        names = [] if call.wanted is None else sorted({name_of(test) for test in call.wanted})
        if names and not any(name.startswith(_EXAMPLE_MARK) for name in names):  # an example's own name has its line
            harness += ["--exact", *names]
        argv = ["cargo", "test", "--no-fail-fast", *own[:split], "--", *harness]
        # one stream: only so it is known which file the tests belong to
        env = {"CARGO_TARGET_DIR": f"{call.build}/target"}
        quiet = call.limit + _EXAMPLES
        return [Command(told.logged(call, argv), env, told=told.log_of(call), quiet=quiet, begins=_BEGINS)]

    def read(self, ran: Ran) -> Report:
        if ran.timed_out and not ran.stdout:
            ran = replace(ran, stdout=ran.reports.get(told.log_of(ran.call), ""))
        lines = ran.stdout.splitlines()
        if not any(_TARGET.match(line) or _DOCUMENTATION.match(line) for line in lines):
            return self._unbuilt(ran)
        return _Reader(ran).report(lines)

    def _unbuilt(self, ran: Ran) -> Report:
        if ran.timed_out:
            return Report()
        if ran.exit_code == _NOT_FOUND or _UNREACHABLE.search(ran.output):
            hint = "Get what it needs first, with `cargo fetch` or `cargo vendor`: the sandbox has no network."
            return Report(unavailable=f"cargo test cannot work here: {ran.output}\n{hint}")
        first = _ERRORS.search(ran.stdout)
        words = ran.stdout[first.start() :] if first else ran.output
        frames = frames_in(words, ran.call.project, ran.call.root)
        return Report(broken=(Broken("", words.strip(), "error", frames),))

    def tests_in(self, path: str, project: Project) -> list[str]:
        target, module = _home(path, project)
        return [f"{target}::{'::'.join([*module, *names])}" for names in named(project.text(path), _MODULE, "{}")]


def _home(path: str, project: Project) -> tuple[str, list[str]]:
    """The target a source file belongs to, by where it lies, and the module it is there."""
    parts = path.split("/")
    if "src" not in parts[:-1]:
        return path, []
    at = parts.index("src")
    inner = [*parts[at + 1 : -1], parts[-1].removesuffix(".rs")]
    if inner[0] == "bin" or inner in (["lib"], ["main"]):
        return path, []
    roots = ("/".join([*parts[: at + 1], name]) for name in ("lib.rs", "main.rs"))
    return next((root for root in roots if root in project.names), path), [part for part in inner if part != "mod"]


class _Reader:
    """Goes through the lines: targets, their results, and what the failed tests printed."""

    def __init__(self, ran: Ran) -> None:
        self._ran, self._project, self._root = ran, ran.call.project, ran.call.root
        self._target = ""
        self._summed = True  # whether the target's own summary has come
        self._outcomes: dict[str, Outcome] = {}
        self._printed: dict[str, list[str]] = {}
        self._examples: dict[str, int] = {}
        self._ids: dict[str, str] = {}  # of the target under way: the harness's name -> id

    def report(self, lines: Sequence[str]) -> Report:
        section, cut = "", list[str]()
        for line in lines:
            if target := self._begins(line):
                cut += self._unreached()
                self._target, self._summed, section, self._ids = target, False, "", {}
            elif found := _RESULT.match(line):
                self._ends(self._id(found["name"]), _WORDS[found["word"]])
            elif found := _SECTION.match(line):
                section = self._id(found["name"])
            elif _SUMMARY.match(line):
                self._summed, section = True, ""
            elif line == "failures:":
                section = ""
            elif section:
                self._printed.setdefault(section, []).append(line)
        cut += self._not_ended() if self._ran.timed_out else self._unreached()
        return Report(tuple(self._result(test) for test in self._outcomes), cut=tuple(dict.fromkeys(cut)))

    def _ends(self, test: str, outcome: Outcome) -> None:
        """A test can print what looks like a result: of two the worse counts."""
        if self._outcomes.get(test) != "failed":
            self._outcomes[test] = outcome

    def _begins(self, line: str) -> str:
        """The source file of the target that this line announces; "" if it announces none."""
        if found := _TARGET.match(line):
            return self._path(found["path"] or "src/lib.rs", found["binary"].rsplit("/", 1)[-1])
        if found := _DOCUMENTATION.match(line):
            return self._path("src/lib.rs", found[1])
        return ""

    def _path(self, path: str, crate: str) -> str:
        """The path is relative to the package, of which a workspace has several."""
        found = [name for name in self._project.files if name == path or name.endswith(f"/{path}")]
        if len(found) > 1:
            own = [name for name in found if self._package(name.removesuffix(path)) == crate.replace("-", "_")]
            found = own or found
        return found[0] if found else path

    def _package(self, directory: str) -> str:
        found = _PACKAGE.search(self._project.text(f"{directory}Cargo.toml"))
        return found[1].replace("-", "_") if found else ""

    def _id(self, name: str) -> str:
        if name not in self._ids:
            self._ids[name] = self._new_id(name)
        return self._ids[name]

    def _new_id(self, name: str) -> str:
        if (found := _EXAMPLE.match(name)) is None:
            return f"{self._target}::{name}"
        package = self._target.removesuffix("src/lib.rs").rstrip("/")
        path = self._project.known(found["path"], self._root, package) or found["path"]
        test_id = f"{path}::{_EXAMPLE_MARK}{found['name']}".strip()  # its line moves with every edit above it
        self._examples[test_id] = number = self._examples.get(test_id, 0) + 1
        return test_id if number == 1 else f"{test_id} {number}"

    def _unreached(self) -> list[str]:
        """The tests of a target whose process ended before its summary: by an abort, or for want of memory."""
        if self._summed or self._ran.timed_out or not self._target:
            return []
        wanted = self._ran.call.wanted
        every = [test for test in self._asked() if test.startswith(f"{self._target}::")]
        lost = [test for test in every if test not in self._outcomes]
        if wanted is not None and len(wanted) == 1:  # it was alone: it is the one that did it
            self._outcomes.update(dict.fromkeys(lost, "crashed"))
            self._printed.update({test: [self._ran.output[-2000:]] for test in lost})
            return []
        return lost

    def _not_ended(self) -> list[str]:
        """The tests that said nothing before a run that hangs was ended: the one that does, and others after it."""
        return [test for test in self._asked() if test not in self._outcomes]

    def _asked(self) -> Sequence[str]:
        """The tests of this run: what was wanted, else what the files' texts show."""
        if self._ran.call.wanted is not None:
            return self._ran.call.wanted
        files = (path for path in self._project.files if path.endswith(".rs"))
        return [test for path in files for test in CargoTest().tests_in(path, self._project)]

    def _result(self, test: str) -> TestResult:
        message = "\n".join(self._printed.get(test, [])).strip("\n")
        kind = "panic" if "panicked at" in message else ""
        frames = frames_in(message, self._project, self._root)
        words = message.split("\nstack backtrace:")[0]
        result = TestResult(test, self._outcomes[test], message=words, exception=kind, frames=frames)
        return explained(result, self._project, self._root)
