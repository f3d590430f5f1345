"""The command `coder`. Its own help is a table here, so that it costs no more than starting Python."""

from __future__ import annotations

import os
import sys

VERBS = {
    "fix": "Make a failing test pass, verified, without breaking anything.",
    "resume": "Go on with an interrupted run.",
    "runs": "List the runs, newest first.",
    "show": "Tell the story of a run.",
    "diff": "Print the patch of a run.",
    "apply": "Put the patch of a run into its repository.",
    "undo": "Take an applied patch back.",
    "drift": "Say where an agent's run went off course.",
    "sandbox": "Check it, build an image for it, open a shell in it.",
    "doctor": "Say what is here, what is missing, and how to get it.",
    "eval": "Run a dataset of tasks and report how many were fixed.",
}

INTERRUPTED = 130

HELP = """\
usage: coder VERB [OPTION]...

Takes a repository with a failing test and gives back a verified patch,
or says honestly that it could not.

{verbs}

  coder fix "failing test test_name" --repo .
  coder VERB --help              what a verb takes
  coder --install-completion     complete verbs and options in this shell

Exit codes: 0 fixed and verified, 1 not fixed, 2 wrong usage, 3 the environment
cannot do it, 4 nothing to fix, 130 interrupted (`coder resume RUN` goes on).
"""


def main() -> int:
    """Run the command line and return its exit code."""
    argv = sys.argv[1:]
    if "_CODER_COMPLETE" not in os.environ:  # a shell asks for completions without any argument
        if not argv or argv[0] in ("--help", "-h", "help"):
            return _print(HELP.format(verbs="\n".join(f"  {verb:8} {what}" for verb, what in VERBS.items())))
        if argv[0] in ("--version", "-V"):
            from coder import __version__

            return _print(f"coder {__version__}")
    try:
        from coder.cli.dispatch import dispatch

        return dispatch(argv)
    except KeyboardInterrupt:  # at any moment, while the imports are under way too
        return _interrupted(argv)


def _interrupted(argv: list[str]) -> int:
    """For an interrupt that no run has answered: none had begun."""
    from coder.cli.terminal import answer_without_run

    print("coder: interrupted", file=sys.stderr)
    answer_without_run(argv, "interrupted", "interrupted before the run began")
    return INTERRUPTED


def _print(text: str) -> int:
    try:
        print(text.rstrip("\n"), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
