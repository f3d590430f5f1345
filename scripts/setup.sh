#!/usr/bin/env bash
# Sets up what the make targets need: a virtual environment in the clone with the locked dependencies, and a sandbox.
# Run again it changes nothing and takes well under a second. Says what is missing where it may not install it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install_packages() {
    say "installing with apt-get: $*"
    local log; log=$(mktemp)
    if ! { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        say "apt-get could not install $*"
        return 1
    fi
    rm -f "$log"
}

find_python() {
    local name
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    say "coder needs Python 3.11 or newer; found: $(python3 --version 2>&1 || echo none). Install one and run this again."
    return 1
}

set_up_environment() {
    local stamp=.venv/.locked wanted
    wanted=$(cat requirements-dev.lock requirements-target.lock pyproject.toml | cksum)
    [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted $PWD" ] && return
    local python; python=$(find_python)
    say "setting up .venv with $("$python" --version) (about a minute, once)"
    if ! "$python" -m venv --clear .venv >/dev/null 2>&1; then
        may_install || { say "Python's venv module is missing; on Debian: apt-get install python3-venv"; return 1; }
        install_packages python3-venv
        "$python" -m venv --clear .venv
    fi
    .venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
    .venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
    "$python" -m venv --clear --without-pip .venv-target
    .venv/bin/python -m pip --python .venv-target/bin/python install -qq --disable-pip-version-check \
        --require-hashes -r requirements-target.lock
    printf '%s' "$wanted $PWD" >"$stamp"
}

set_up_sandbox() {
    local found
    found=$(.venv/bin/python -c '
from coder_sandbox.choose import probe
print(" ".join(kind for kind in ("bwrap", "docker") if probe(kind)[0]))')
    if [ -z "$found" ] && may_install && ! command -v bwrap >/dev/null; then
        install_packages bubblewrap || true
        found=$(.venv/bin/python -c 'from coder_sandbox.choose import probe; print("bwrap" if probe("bwrap")[0] else "")')
    fi
    if [ -z "$found" ]; then
        say "no sandbox works here: install bubblewrap (Debian: apt-get install bubblewrap) or start Docker; see: .venv/bin/coder doctor"
        return 1
    fi
    say "sandboxes that work here: $found"
}

set_up_environment
set_up_sandbox
