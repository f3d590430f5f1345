"""The evaluation of a set: instances side by side, results kept as they end, a report of the whole."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event, Lock

from coder.errors import UsageError
from coder.evaluate.attempt import CODER, Settings, Stopped, attempt
from coder.evaluate.dataset import Instance, load
from coder.evaluate.outcome import Outcome, Report
from coder.evaluate.verdict import Room, sandboxed_suite

RESULTS = "results.jsonl"
Listen = Callable[[str, Outcome | None], None]
"""Told an instance's id with None when it starts, and with its outcome when it ends. Called from several threads,
never from two at once."""


def evaluate(
    dataset: Path,
    *,
    jobs: int = 1,
    out: Path | None = None,
    resume: bool = False,
    listen: Listen | None = None,
    sandbox: str = "auto",
    image: str = "",
    model: str = "auto",
    time: float = 600,
    seed: int = 0,
    command: Sequence[str] = CODER,
    room: Room = sandboxed_suite,
) -> Report:
    """Run coder on every instance of a dataset, `jobs` at a time, `time` seconds each at most.

    `out` takes results.jsonl (a line as each ends), preds.json, report.json, the logs and the runs' records; with
    `resume` what is in it already is not run again. Ctrl-C ends what is under way, keeps what is done, and gives
    the report with `interrupted`. Raises UsageError for a dataset or directory that cannot be used.
    """
    if jobs < 1:
        raise UsageError(f"--jobs must be at least 1, not {jobs}")
    instances = load(dataset)
    settings = Settings(sandbox, image, model, time, seed, command, room)
    with tempfile.TemporaryDirectory(prefix="coder-eval-") as temporary:
        results = Results((out or Path(temporary)).resolve(), resume=resume)
        known = {instance.id for instance in instances}
        results.keep(known)
        todo = [instance for instance in instances if instance.id not in results.outcomes]
        interrupted = _run_all(todo, settings, results, jobs, listen or (lambda name, outcome: None))
        done = [results.outcomes[i.id] for i in instances if i.id in results.outcomes]
        report = Report(str(dataset), done, len(instances), interrupted)
        results.write("report.json", report.to_dict())
        results.write("preds.json", predictions(done))
    return report


def predictions(outcomes: Iterable[Outcome]) -> Mapping[str, Mapping[str, str]]:
    """The patches in SWE-bench's form."""
    return {
        outcome.id: {
            "instance_id": outcome.id,
            "model_name_or_path": "/".join(filter(None, ("coder", outcome.policy, outcome.model))),
            "model_patch": outcome.patch,
        }
        for outcome in outcomes
    }


def _run_all(todo: Sequence[Instance], settings: Settings, results: Results, jobs: int, listen: Listen) -> bool:
    """Run the instances; True if it was interrupted."""
    stop, telling = Event(), Lock()

    def one(instance: Instance) -> None:
        if stop.is_set():
            return
        with telling:
            listen(instance.id, None)
        log = results.directory / "logs" / f"{instance.id}.log"
        try:
            outcome = attempt(instance, settings, results.directory / "home", log, stop)
        except Stopped:
            return
        with telling:
            results.add(outcome)
            listen(instance.id, outcome)

    with ThreadPoolExecutor(jobs, thread_name_prefix="eval") as pool:
        futures: set[Future[None]] = {pool.submit(one, instance) for instance in todo}
        try:
            while futures:
                done, futures = wait(futures, return_when=FIRST_COMPLETED)
                for future in done:
                    future.result()
        except KeyboardInterrupt:
            return True
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
    return False


class Results:
    """The directory of an evaluation. A line that a crash left half-written is dropped when it is read back."""

    def __init__(self, directory: Path, *, resume: bool) -> None:
        self.directory = directory
        self.path = directory / RESULTS
        self.outcomes: dict[str, Outcome] = {}
        try:
            (directory / "logs").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"--out {directory}: cannot be used: {error.strerror}") from error
        if self.path.exists() and not resume:
            raise UsageError(f"--out {directory}: holds results already; go on with them (--resume) or name another")
        if self.path.exists():
            self._read()

    def keep(self, ids: set[str]) -> None:
        """Forget outcomes of instances that the dataset no longer has, and those that were errors: they run again."""
        self.outcomes = {
            k: o for k, o in self.outcomes.items() if k in ids and o.status not in ("error", "interrupted")
        }
        lines = "".join(json.dumps(outcome.to_dict()) + "\n" for outcome in self.outcomes.values())
        replacement = self.path.with_suffix(".new")
        replacement.write_text(lines, encoding="utf-8")
        replacement.replace(self.path)

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome; it is on the disk when this returns."""
        self.outcomes[outcome.id] = outcome
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(outcome.to_dict()) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def write(self, name: str, value: object) -> None:
        (self.directory / name).write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")

    def _read(self) -> None:
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                outcome = Outcome.from_dict(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue
            self.outcomes[outcome.id] = outcome
