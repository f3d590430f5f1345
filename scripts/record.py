"""Makes docs/run.svg: the last screen of a real run on a copy of a fixture, in a terminal of its own.

.venv/bin/python scripts/record.py [FILE]
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
COLUMNS, ROWS = 96, 50
FIXTURE, TEST = "inventory_ledger", "test_withdraw_all_that_is_there"
ARGUMENTS = ["fix", f"failing test {TEST}", "--model", "none", "--no-apply"]
SHOWN = f'coder fix "failing test {TEST}" --model none --no-apply'
SHOWN_REPO, SHOWN_HOME, SHOWN_ENVIRONMENT = "~/inventory-ledger", "~/.local/state/coder", "~/venv"

_OTHER_ESCAPE = re.compile(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[ -/]*[@-ln-~]|\x1b[@-Z\\^_=>78]")
_UP = re.compile(r"\x1b\[(\d*)A")

# rich's own, without the web font that it loads from a third party
TEMPLATE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>coder fix, in a terminal</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "run.svg"
    with tempfile.TemporaryDirectory() as place:
        repo, home = Path(place, "repo").resolve(), Path(place, "state").resolve()
        shutil.copytree(ROOT / "eval_repos" / FIXTURE, repo, ignore=shutil.ignore_patterns("task.toml", "*.patch"))
        raw, code = run_in_terminal(repo, home)
    if code != 0:
        sys.stderr.write(raw)
        return code
    text = final_screen(raw).rstrip() + "\n"
    for path, shown in ((repo, SHOWN_REPO), (home, SHOWN_HOME), (ROOT / ".venv-target", SHOWN_ENVIRONMENT)):
        text = text.replace(str(path), shown)
    target.write_text(as_svg(text), encoding="utf-8")
    return 0


def run_in_terminal(repo: Path, home: Path) -> tuple[str, int]:
    """Everything that `coder fix` writes to a colour terminal, and its exit code. The patch is not applied."""
    environment = ROOT / ".venv-target"
    env = {
        "PATH": f"{environment / 'bin'}:{os.defpath}", "HOME": str(home.parent), "LANG": "C.UTF-8",
        "TERM": "xterm-256color", "COLORTERM": "truecolor", "VIRTUAL_ENV": str(environment), "CODER_HOME": str(home),
    }  # fmt: skip
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    argv = [str(ROOT / ".venv" / "bin" / "coder"), *ARGUMENTS]
    with subprocess.Popen(argv, cwd=repo, env=env, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        output = bytearray()
        try:
            while data := os.read(ours, 65536):
                output += data
        except OSError:  # the other end has closed
            pass
    os.close(ours)
    return output.decode("utf-8", "replace"), process.returncode


def final_screen(raw: str) -> str:
    """What is left on the screen at the end: lines drawn over are gone, and so is every escape but colours."""
    lines: list[str] = [""]
    row = 0
    for part in re.split(r"(\x1b\[\d*A|\x1b\[2K|\r?\n|\r)", raw):
        if part.endswith("\n"):
            row += 1
            if row == len(lines):
                lines.append("")
        elif up := _UP.fullmatch(part):
            row = max(0, row - int(up[1] or 1))
        elif part in ("\x1b[2K", "\r"):
            lines[row] = ""
        else:
            lines[row] += _OTHER_ESCAPE.sub("", part)
    return "\n".join(lines)


def as_svg(text: str) -> str:
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (SHOWN, "bold")), soft_wrap=True)
    console.print(Text.from_ansi(text))
    return console.export_svg(title="coder", code_format=TEMPLATE, unique_id="coder")


if __name__ == "__main__":
    raise SystemExit(main())
