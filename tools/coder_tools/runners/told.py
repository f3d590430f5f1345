"""What a runner tells while it runs: all there is of a run that hangs.

Of those that have no words of their own for it, what they print is kept. Others tell a JSON line for each thing that
begins or ends. A line has `file`, `names` (of a test, with its suites, outermost first) and `state`: "listed", "begun",
"passed", "failed" or "skipped"; with `message` and `duration` (seconds) of a test that ended. Without names it is of
the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from coder_tools.contract import Outcome, TestResult
from coder_tools.runners.contract import Call, Ran, Report
from coder_tools.runners.traces import explained

LOG = "told.jsonl"  # in the call's scratch directory
_OUTCOMES: dict[str, Outcome] = {"passed": "passed", "failed": "failed", "skipped": "skipped"}

NameOf = Callable[[str, Sequence[str]], str]
"""The id of a test, from its file as the runner has it and its names."""


def log_of(call: Call) -> str:
    """The path inside of what is told in this run."""
    return f"{call.scratch}/{LOG}"


def bringing(path: str, text: str, argv: Sequence[str]) -> tuple[str, ...]:
    """The command, with a file of its own written before."""
    return ("sh", "-c", 'printf %s "$1" >"$2" && shift 2 && exec "$@"', "sh", text, path, *argv)


def logged(call: Call, argv: Sequence[str]) -> tuple[str, ...]:
    """The command with what it prints, as one stream, in the log too: of one that is ended there is nothing else."""
    script = 'log=$1; shift; "$@" >"$log" 2>&1; code=$?; cat "$log"; exit $code'
    return ("sh", "-c", script, "sh", log_of(call), *argv)


def of_hung(ran: Ran, name: NameOf, in_texts: Callable[[], Sequence[str]]) -> Report:
    """What was told of a run that did not end: what passed and failed, and which tests were under way.

    Tests that have not spoken are `cut`, unless it had not come as far as tests. `in_texts`: the tests that
    the files' texts show, for a run of everything.
    """
    log = ran.reports.get(log_of(ran.call), "")
    if not log:
        return Report()
    states: dict[str, Mapping[str, Any]] = {}
    files: dict[str, str] = {}
    for event in events(log.splitlines()):
        names = event.get("names")
        if names is None:
            files[name(str(event.get("file")), ())] = str(event.get("state"))
        elif isinstance(names, list) and names:
            test = name(str(event.get("file")), [str(one) for one in names])
            if test not in states or states[test].get("state") != "failed":  # of two ends the worse counts
                states[test] = event
    results = [result for test, event in states.items() if (result := _result(test, event, ran)) is not None]
    told = {result.id for result in results}
    every = ran.call.wanted if ran.call.wanted is not None else (*states, *in_texts())
    cut = tuple(test for test in dict.fromkeys(every) if test not in told)
    return Report(tuple(results), cut=cut, stuck=tuple(path for path, state in files.items() if state == "begun"))


def events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON objects among the lines; what is none, or was cut short, is passed over."""
    for line in lines:
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            yield event


def _result(test: str, event: Mapping[str, Any], ran: Ran) -> TestResult | None:
    state, message = str(event.get("state")), str(event.get("message") or "")
    if state == "begun":
        return TestResult(test, "timeout", message="It was under way when the run's time was up.")
    if state not in _OUTCOMES:
        return None
    result = TestResult(test, _OUTCOMES[state], float(event.get("duration") or 0.0), message)
    return explained(result, ran.call.project, ran.call.root)
