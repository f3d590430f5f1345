"""Vitest: Jest's report by another program."""

from __future__ import annotations

from coder_tools.runners import told
from coder_tools.runners.jest import Jest

_REPORTER = """
import fs from 'node:fs';
const log = new URL('LOG', import.meta.url);
const tell = (event) => fs.appendFileSync(log, JSON.stringify(event) + '\\n');
const names = (test) => (test && test.type !== 'module' ? [...names(test.parent), test.name] : []);
const one = (test, state, more) => tell({ file: test.module.moduleId, names: names(test), state, ...more });
export default class {
  onTestModuleStart({ moduleId }) { tell({ file: moduleId, state: 'begun' }); }
  onTestModuleCollected({ children }) { for (const test of children.allTests()) one(test, 'listed'); }
  onTestCaseReady(test) { one(test, 'begun'); }
  onTestCaseResult(test) {
    const { state, errors } = test.result(), message = (errors ?? []).map((e) => e.stack ?? e.message).join('\\n');
    one(test, state, { message: message.slice(0, 8000), duration: (test.diagnostic()?.duration ?? 0) / 1000 });
  }
  onTestModuleEnd({ moduleId }) { tell({ file: moduleId, state: 'passed' }); }
}
""".replace("LOG", told.LOG)


class Vitest(Jest):
    """Ids: `test/cart.test.ts::suite::test`."""

    name = "vitest"
    program = "node_modules/vitest/vitest.mjs"
    marks = ("vitest.config.", "vitest.workspace.")
    flags = ("run", "--reporter=json", "--coverage.enabled=false")
    reporter = ("reporter.mjs", "--reporter", _REPORTER)
    files_flag = ()
    dropped = (
        *("run", "watch", "dev", "--watch", "--run", "--coverage", "--coverage.enabled", "--reporter", "--outputFile"),
        *("--bail", "--ui"),
    )
