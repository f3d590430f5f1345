"""The drift corpus: step sequences with their labels, made from templates by a seed, so that it is the same everywhere.

Eight kinds of drift, and eight kinds of healthy work that looks like it. Kinds marked `tuning` were looked at when the
thresholds were set; those marked `measuring` were not, and the figures are theirs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from repository import DIALECTS, Repository

from coder.trajectories.contract import Call, Step

Part = Literal["tuning", "measuring", "recorded"]
SEED, EACH = 20261124, 24


@dataclass(frozen=True)
class Sequence:
    """`onset`: the index of the first step that drifts; -1 where none does."""

    kind: str
    part: Part
    steps: tuple[Step, ...]
    onset: int

    @property
    def drifts(self) -> bool:
        return self.onset >= 0


Made = tuple[list[Step], int]
Maker = Callable[[Repository, random.Random], Made]


def sequences(each: int = EACH, seed: int = SEED) -> Iterator[Sequence]:
    """The whole corpus, `each` sequences of every kind."""
    for kind, (part, maker) in KINDS.items():
        for number in range(each):
            rng = random.Random(f"{seed} {kind} {number}")
            repository = Repository(rng, DIALECTS[number % len(DIALECTS)])
            before = _prelude(repository, rng)
            steps, onset = maker(repository, rng)
            made = [Step(n, s.thought, s.calls, s.tokens, s.seconds) for n, s in enumerate(before + steps, 1)]
            yield Sequence(kind, part, tuple(made), onset + len(before) if onset >= 0 else -1)


def act(call: Call, thought: str = "") -> Step:
    return Step(0, thought, (call,))


def say(thought: str) -> Step:
    return Step(0, thought)


def _prelude(repo: Repository, rng: random.Random) -> list[Step]:
    """How most runs begin: look around, read, see the test fail."""
    steps = [
        act(repo.shell("ls src tests", "\n".join(sorted(repo.files))), "Let me look at the layout first."),
        act(repo.run_tests(), f"Run the failing test to see what {repo.broken} gives."),
        act(repo.read(repo.path), f"The failure is in {repo.path}; read it."),
    ]
    if rng.random() < 0.5:
        steps.append(act(repo.read(repo.test, 1, 20), "And what the test expects."))
    return steps


# overthinking


def rederive(repo: Repository, rng: random.Random) -> Made:
    """The same conclusion again, in nearly the same words."""
    base = (
        f"The test test_{repo.broken} expects {repo.expected} but {repo.broken} returns {repo.actual}. The sum in "
        f"{repo.broken} adds the constant before the division, so the floor is taken of the wrong total. "
        f"That is why the assertion fails."
    )
    openers = ["So", "Right, so", "Let me think again.", "Okay.", "To be clear:", "Wait.", "In short,"]
    return [say(base)] + [say(f"{rng.choice(openers)} {base}") for _ in range(6)], 1


_AGAIN = (
    "I believe {f} is at fault: it gives {a} where {e} is wanted, as the constant is added too early.",
    "The culprit has to be {f}. We wanted {e} and got {a}; adding the constant comes too soon there.",
    "Looking at it once more, {f} yields {a} rather than {e}; the addition of the constant happens early.",
    "My understanding: {e} should come out of {f}, {a} does, and the early constant explains it.",
    "It must be that {f} adds its constant too early, giving {a} and not the wanted {e}.",
    "In other words the constant in {f} is added early, hence {a} instead of {e}.",
    "Thinking about {f}: result {a}, wanted {e}, the cause being the early addition of that constant.",
    "Everything points to {f}, where the constant is added early so that {a} comes instead of {e}.",
)


def rephrase(repo: Repository, rng: random.Random) -> Made:
    """The same conclusion in other words each time."""
    words = rng.sample(_AGAIN, 6)
    return [say(w.format(f=repo.broken, a=repo.actual, e=repo.expected)) for w in words], 1


def seesaw(repo: Repository, rng: random.Random) -> Made:
    """Two explanations in turn, neither of them tried."""
    other = rng.choice([n for n in repo.names if n != repo.broken])
    one = (
        f"Perhaps the comparison in {repo.broken} is wrong: with v > limit the value {repo.actual} survives.",
        f"No, I go back to {repo.broken}: the comparison v > limit there is what lets {repo.actual} survive.",
        f"Then again the comparison in {repo.broken} lets {repo.actual} survive, with v > limit.",
    )
    two = (
        f"But it could be {other} that slices the list at the wrong place, dropping {repo.expected}.",
        f"Hmm, {other} slices the list, maybe at the wrong place, and {repo.expected} is dropped.",
        f"On the other hand the slice of the list in {other} may drop {repo.expected} at the wrong place.",
    )
    return [say(text) for pair in zip(one, two, strict=True) for text in pair], 2


# overacting


def repeat_call(repo: Repository, rng: random.Random) -> Made:
    """The very same call again and again."""
    call = rng.choice([repo.read(repo.paths[1], 1, 40), repo.search(repo.names[0]), repo.read(repo.paths[2])])
    thoughts = ["Let me check this.", "Let me check this again.", "I need to look at this.", "Checking."]
    return [act(call, thoughts[min(n, 3)]) for n in range(7)], 1


def reread(repo: Repository, rng: random.Random) -> Made:
    """A file that is known, read by another command each time."""
    path = repo.paths[1]
    length = repo.files[path].count("\n") + 1
    first = act(repo.read(path), f"Now {path}.")
    ways = [repo.read(path, style=s) for s in (1, 2, 3, 4)]
    ways += [repo.read(path, 1 + 10 * n, min(length, 30 + 10 * n)) for n in range(4)]
    rng.shuffle(ways)
    ways = [w for n, w in enumerate(ways) if n == 0 or w.arguments != ways[n - 1].arguments]
    return [first, *(act(w, f"Look at {path} once more.") for w in ways[:6])], 1


def rerun_tests(repo: Repository, rng: random.Random) -> Made:
    """The tests once more, though nothing was changed."""
    start = rng.randrange(4)
    return [act(repo.run_tests(style=start + n), "Run the tests again to be sure.") for n in range(6)], 0


def ask_known(repo: Repository, rng: random.Random) -> Made:
    """Searches for definitions that have been read already."""
    names = rng.sample(repo.names, 6)
    return [act(repo.define(n, style=rng.randrange(3)), f"Where is {n} defined?") for n in names], 0


def undo_redo(repo: Repository, rng: random.Random) -> Made:
    """An edit, its opposite, and the first one again."""
    number = rng.randint(401, 900)
    a, b = f"limit={number}", f"limit={number + 7}"
    old = next(w.strip("):") for w in repo.files[repo.path].split() if w.startswith("limit="))
    steps = [act(repo.edit(old, a), "Try another limit."), act(repo.run_tests())]
    for n in range(6):
        one, two = (a, b) if n % 2 == 0 else (b, a)
        steps += [act(repo.edit(one, two), "That did not help; change it."), act(repo.run_tests())]
    return steps, 6


# healthy


def poll(repo: Repository, rng: random.Random) -> Made:
    """A slow job, asked after until it is done."""
    steps = [act(repo.shell("nohup pytest -x > out.log 2>&1 &", "[1] 4242"), "The suite is slow; start it beside.")]
    done = 0
    for _ in range(rng.randint(5, 9)):
        done = min(96, done + rng.choice((0, 0, 7, 13)))
        steps.append(act(repo.shell("sleep 60; tail -n 2 out.log", f"tests still running ... {done}%"), "Wait."))
    return [*steps, act(repo.shell("tail -n 2 out.log", "310 passed in 512.31s"), "Done?")], -1


def windows(repo: Repository, rng: random.Random) -> Made:
    """A long file, read a window at a time, with a little overlap."""
    path = repo.paths[3]
    repo.files[path] = "\n".join(
        f"ENTRY_{n} = ({n}, {rng.random():.6f}, '{rng.choice(_LETTERS)}{n}')" for n in range(700)
    )
    size = rng.choice((80, 100, 120))
    return [act(repo.read(path, at, at + size + 4), "The next part.") for at in range(1, 560, size)], -1


_LETTERS = "abcdefghij"


def bisect(repo: Repository, rng: random.Random) -> Made:
    """The same test at one commit after another."""
    steps = []
    for _ in range(rng.randint(5, 8)):
        commit = f"{rng.getrandbits(28):07x}"
        good = rng.random() < 0.5
        steps.append(act(repo.shell(f"git checkout -q {commit}", ""), f"Is {commit} good?"))
        steps.append(act(repo.run_tests(failing=not good), ""))
    return steps, -1


def retry_after_edit(repo: Repository, rng: random.Random) -> Made:
    """Another edit, and the same test again: it may fail in the same way."""
    steps = []
    old = next(w.strip("):") for w in repo.files[repo.path].split() if w.startswith("limit="))
    for n in range(rng.randint(4, 6)):
        new = f"limit={1000 + 31 * n}"
        steps += [act(repo.edit(old, new), f"Then try {new}."), act(repo.run_tests(failing=n < 4), "")]
        old = new
    return steps, -1


def reread_after_edit(repo: Repository, rng: random.Random) -> Made:
    """After each edit the place is read again, to see that it is right."""
    steps = []
    for name in rng.sample(repo.names, 4):
        line = next(n for n, text in enumerate(repo.files[repo.path].split("\n"), 1) if f"def {name}" in text)
        steps.append(act(repo.edit(f"total_{name.split('_')[0]}", f"sum_{name.split('_')[0]}"), f"Rename in {name}."))
        steps.append(act(repo.read(repo.path, line, line + 8), "Check how it reads now."))
    return [*steps, act(repo.run_tests(failing=False), "And the tests.")], -1


def formatter(repo: Repository, rng: random.Random) -> Made:
    """The formatter after each edit: the same command, the same words."""
    tool = rng.choice(("black src", "ruff format src", "isort src && black src"))
    steps = []
    for n, name in enumerate(rng.sample(repo.names, 5)):
        steps.append(act(repo.edit(f"def {name}(values", f"def {name}(items_{n}"), f"Rename the argument of {name}."))
        steps.append(act(repo.shell(tool, "1 file reformatted, 6 files left unchanged"), "Format."))
    return [*steps, act(repo.run_tests(failing=False), "")], -1


_CASES = (
    "Take {f} with the list [{a}, {b}]: kept holds {c} items, so the total is {d} before the division.",
    "For an empty list {g} would return {a}, and the caller in line {b} divides by it; that gives {c}.",
    "If instead `limit` were {b}, {h} keeps only {c} values and the floor of {d} is taken, which is one less.",
    "So the difference between {f} and {h} comes to {d}: exactly the {c} that the constant {a} contributes.",
    "That rules out {g}, since its branch for more than {c} entries is never entered with {d} of them.",
    "What remains is the order in {h}: dividing {b} first and adding {d} afterwards yields the {c} wanted.",
    "A test for it: {g}([{a}, {b}, {d}]) must be {c} before the change and {d} after it.",
)


def long_reasoning(repo: Repository, rng: random.Random) -> Made:
    """Several thoughts in a row, each of them a step further."""
    steps = []
    for text in _CASES[: rng.randint(4, 7)]:
        f, g, h = rng.sample(repo.names, 3)
        a, b, c, d = rng.sample(range(100, 999), 4)
        steps.append(say(text.format(f=f, g=g, h=h, a=a, b=b, c=c, d=d)))
    return [*steps, act(repo.edit("math.floor", "round"), "So the rounding."), act(repo.run_tests(failing=False))], -1


def similar_files(repo: Repository, rng: random.Random) -> Made:
    """Files that are nearly the same, each read once."""
    body = repo.files[repo.paths[1]]
    steps = []
    for n in range(rng.randint(5, 8)):
        path = f"migrations/{n:04}_change.py"
        repo.files[path] = body.replace("limit=", f"limit_{n}=", 1)
        steps.append(act(repo.read(path), f"Migration {n}."))
    return steps, -1


KINDS: dict[str, tuple[Part, Maker]] = {
    "rederive": ("tuning", rederive),
    "repeat_call": ("tuning", repeat_call),
    "reread": ("tuning", reread),
    "rerun_tests": ("tuning", rerun_tests),
    "rephrase": ("measuring", rephrase),
    "seesaw": ("measuring", seesaw),
    "ask_known": ("measuring", ask_known),
    "undo_redo": ("measuring", undo_redo),
    "poll": ("tuning", poll),
    "windows": ("tuning", windows),
    "bisect": ("tuning", bisect),
    "retry_after_edit": ("tuning", retry_after_edit),
    "reread_after_edit": ("measuring", reread_after_edit),
    "formatter": ("measuring", formatter),
    "long_reasoning": ("measuring", long_reasoning),
    "similar_files": ("measuring", similar_files),
}
