#!/usr/bin/env bash
# The main job on a bundled example: a copy of a fixture, its failing test, the verified patch, the passing test.
set -euo pipefail
cd "$(dirname "$0")/.."

fixture=${1:-interval_scheduler}
work=$(mktemp -d)
state=$(mktemp -d)
trap 'rm -rf "$work" "$state"' EXIT
cp -r "eval_repos/$fixture/." "$work/"
rm -f "$work/task.toml" "$work/reference.patch"
goal=$(.venv/bin/python -c 'import sys, tomllib; print(tomllib.load(open(sys.argv[1], "rb"))["fail_to_pass"][0])' "eval_repos/$fixture/task.toml")

root=$PWD
coder() { "$root/.venv/bin/coder" "$@"; }
export VIRTUAL_ENV=$PWD/.venv-target PATH=$PWD/.venv-target/bin:$PATH CODER_HOME=$state
unset PYTHONPATH
cd "$work"

say() { printf '\n== %s\n' "$*"; }
say "before: the test fails"
python -m pytest -q -p no:cacheprovider "$goal" 2>&1 | tail -n 12 || true
say "coder fix \"failing test $goal\""
coder fix "failing test $goal" --repo . --model none --apply
say "after: the whole suite"
python -m pytest -q -p no:cacheprovider 2>&1 | tail -n 4
