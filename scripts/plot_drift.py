"""docs/drift.svg: the evidence that one drifting model gathers, step by step, with the supervisor and without.

`make plot-drift` runs the model twice and draws what their records say.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "drift"))

from drifters import fix  # noqa: E402

from coder.record.store import RunDir  # noqa: E402
from coder.supervisor.review import Judged, review  # noqa: E402
from coder.trajectories.own import read  # noqa: E402

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 300, 56, 44, 46
COLOURS = {"calibrated": "#2a7d4f", "overthinking": "#8e44ad", "overacting": "#c0392b"}


def record(supervise: bool) -> tuple[tuple[Judged, ...], str]:
    """The judged steps of one run, and how it ended."""
    with tempfile.TemporaryDirectory() as home:
        result = fix("reread", "nudge", supervise=supervise, home=Path(home))
        run = RunDir(Path(result.run_dir))
        return review(read(run.path)).steps, result.status.replace("_", " ")


def line(steps: Sequence[Judged], across: float, up: float, name: str) -> list[str]:
    """One run: its evidence so far as a line, each step a dot in the colour of its label."""
    points, dots, total = [], [], 0
    for number, judged in enumerate(steps):
        total += judged.label.gained
        x, y = LEFT + number * across, HEIGHT - BOTTOM - total * up
        points.append(f"{x:.1f},{y:.1f}")
        dots.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" fill="{COLOURS[judged.label.name]}"/>')
    x, y = (float(part) for part in points[-1].split(","))
    anchor = "end" if x > WIDTH / 2 else "start"
    beside = (x, y - 10) if anchor == "end" else (x + 10, y + 4)
    label = f'<text x="{beside[0]:.1f}" y="{beside[1]:.1f}" text-anchor="{anchor}">{name}</text>'
    return [f'<polyline points="{" ".join(points)}" fill="none" stroke="#888" stroke-width="1.2"/>', *dots, label]


def draw(runs: Sequence[tuple[Sequence[Judged], str]]) -> str:
    """The whole picture."""
    longest = max(len(steps) for steps, _ in runs)
    most = max(sum(j.label.gained for j in steps) for steps, _ in runs)
    across, up = (WIDTH - LEFT - 30) / max(1, longest - 1), (HEIGHT - TOP - BOTTOM) / max(1, most)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">Evidence gathered, step by step</text>',
        f'<line x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - 20}" y2="{HEIGHT - BOTTOM}" stroke="#444"/>',
        f'<line x1="{LEFT}" y1="{TOP}" x2="{LEFT}" y2="{HEIGHT - BOTTOM}" stroke="#444"/>',
        f'<text x="{WIDTH - 20}" y="{HEIGHT - 26}" text-anchor="end">step ({longest} in all)</text>',
        f'<text x="{LEFT - 8}" y="{TOP + 4}" text-anchor="end">{most}</text>',
        f'<text x="{LEFT - 8}" y="{HEIGHT - BOTTOM + 4}" text-anchor="end">0</text>',
    ]
    for at, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + 130 * at
        parts.append(f'<circle cx="{x + 4}" cy="{HEIGHT - 12}" r="4" fill="{colour}"/>')
        parts.append(f'<text x="{x + 14}" y="{HEIGHT - 8}">{name}</text>')
    for (steps, status), name in zip(runs, ("with the supervisor", "without"), strict=True):
        parts += line(steps, across, up, f"{name}: {status} after {len(steps)} steps")
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "drift.svg").write_text(draw([record(True), record(False)]))
