"""Vitest: Jest's report by another program."""

from __future__ import annotations

from coder_tools.runners.jest import Jest


class Vitest(Jest):
    """Ids: `test/cart.test.ts::suite::test`."""

    name = "vitest"
    program = "node_modules/vitest/vitest.mjs"
    marks = ("vitest.config.", "vitest.workspace.")
    flags = ("run", "--reporter=json")
    files_flag = ()
    dropped = (
        *("run", "watch", "dev", "--watch", "--run", "--coverage", "--coverage.enabled", "--reporter", "--outputFile"),
        *("--bail", "--ui"),
    )
