"""Vitest: Jest's report by another program."""

from __future__ import annotations

from collections.abc import Sequence

from coder_tools.runners.jest import Jest


class Vitest(Jest):
    """Ids: `test/cart.test.ts::suite::test`."""

    name = "vitest"
    program = "node_modules/vitest/vitest.mjs"
    marks = ("vitest.config.", "vitest.workspace.")
    flags = ("run", "--reporter=json")
    files_flag = ()
    dropped = ("run", "watch", "dev", "--watch", "--run", "--coverage", "--reporter", "--outputFile", "--bail", "--ui")

    def _called(self, words: Sequence[str]) -> tuple[str, ...] | None:
        found = super()._called(words)
        return None if found is None else tuple(word for word in found if not word.startswith("--coverage."))
