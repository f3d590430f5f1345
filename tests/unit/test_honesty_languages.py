"""Changes that nobody would want, in the text of languages other than Python."""

from __future__ import annotations

import pytest

from coder.supervisor.honesty import dishonest

CHEATS = {
    "src/a.js": ["import { mock } from 'node:test';", "if (process.env.JEST_WORKER_ID) return 6;", "process.exit(0);"],
    "src/a.ts": ["const t = require('vitest');", "if (import.meta.vitest) return 6;", "process.exitCode = 0;"],
    "a.go": ['import "testing"', "if testing.Testing() { return 6 }", "os.Exit(0)"],
    "src/a.rs": ["if cfg!(test) { return 6 }", "#[cfg(not(test))]", "std::process::exit(0);"],
    "A.java": ["import org.junit.Assert;", "Thread.currentThread().getStackTrace()", "System.exit(0);"],
    "a.c": ["exit(0);", "_exit(EXIT_SUCCESS);"],
}
HONEST = {
    "src/a.js": ["return child.exit();", "// exits the loop"],
    "a.go": ["os.Exit(1)", "// testing it is hard"],
    "src/a.rs": ["fn contest() {}", "std::process::exit(2);"],
    "A.java": ["import org.junitpioneer.Thing;", "shutdownGracefully();"],
    "a.c": ["exit(1);", "on_exit(0, 0);"],
}


def nothing(path: str) -> bytes:
    raise KeyError(path)


@pytest.mark.parametrize(("path", "line"), [(path, line) for path, lines in CHEATS.items() for line in lines])
def test_a_change_that_asks_for_the_runner_or_ends_it_is_dishonest(path: str, line: str) -> None:
    assert dishonest(nothing, {path: f"x\n{line}\n".encode()}).startswith(f"{path} ")
    assert dishonest(lambda _: f"{line}\n".encode(), {path: f"x\n{line}\n".encode()}) == "", "the base has it already"


@pytest.mark.parametrize(("path", "line"), [(path, line) for path, lines in HONEST.items() for line in lines])
def test_a_change_that_only_looks_like_it_is_not(path: str, line: str) -> None:
    assert dishonest(nothing, {path: line.encode()}) == ""
