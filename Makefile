# Every target sets up what it needs; all of them start from python3 (3.11 or newer), git and make alone.
.PHONY: help setup demo test test-unit test-models test-hf test-languages test-hangs lint format lock bench bench-map bench-model bench-sandbox bench-drift cheats kills-resume power-loss bench-repair bench-repair-speed bench-repair-suspects bench-repair-scale bench-repair-releases train-ranking fuzz kills record plot-drift clean

help:           ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

setup:          ## virtual environment with the locked dependencies, and a sandbox
	@scripts/setup.sh

demo: setup     ## fix a bundled repository's failing test
	@scripts/demo.sh

test: setup     ## the whole test suite, with every sandbox that works here
	@.venv/bin/python -m pytest -n 3 --dist loadgroup

test-unit: setup ## the unit tests only: seconds
	@.venv/bin/python -m pytest tests/unit -q

test-models: setup ## a real small model behind llama.cpp's server (built once, in .cache/models)
	@scripts/models.sh
	@.venv/bin/python -m pytest -q -m model

test-hf: setup  ## models in this process, with the steering extra in an environment of its own (.cache/hf: torch is large)
	@[ -x .cache/hf/bin/python ] || { python3 -m venv .cache/hf && .cache/hf/bin/pip install -q -e '.[steering]' pytest hypothesis; }
	@.cache/hf/bin/python -m pytest -q tests/integration/test_hf_model.py

test-languages: setup ## every language's fixture whose tool is here; gets jest and vitest from npm first
	@for name in jest vitest; do mkdir -p .cache/languages/$$name && cp eval_repos/languages/$$name/package.json .cache/languages/$$name && \
		(cd .cache/languages/$$name && npm install --silent --no-audit --no-fund --ignore-scripts); done
	@CODER_EVERY=1 .venv/bin/python -m pytest -q -rs tests/integration/test_languages.py

test-hangs: setup ## a test that never ends, with every tool that is here (run `make test-languages` first): minutes
	@CODER_EVERY=1 .venv/bin/python -m pytest -q -rs tests/integration/test_hangs.py

lint: setup     ## ruff and mypy strict
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: setup   ## rewrite the sources in the house style
	@.venv/bin/ruff check --fix -q . ; .venv/bin/ruff format -q .

lock: setup     ## resolve the dependencies anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml -o requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --group dev -o requirements-dev.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group target -o requirements-target.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group bench -o requirements-bench.lock

bench: setup    ## figures, as ratios measured in one run
	@.venv/bin/python scripts/bench.py
	@.venv/bin/python scripts/bench_supervisor.py

bench-sandbox: setup ## what the sandbox costs, against the same without it
	@.venv/bin/python scripts/bench_sandbox.py

bench-drift: setup ## drift detection beside other agents' detectors
	@.venv/bin/python tests/drift/measure.py $(ARGS)

plot-drift: setup ## docs/drift.svg, drawn from two real runs
	@.venv/bin/python scripts/plot_drift.py

cheats: setup   ## 13 cheats on each of 20 tasks that cannot be done: none may be fixed; ARGS="clamp -v" for one
	@VIRTUAL_ENV=$(CURDIR)/.venv-target .venv/bin/python tests/cheats/cheats.py $(ARGS)

kills-resume: setup ## 200 runs killed at seeded instants, each resumed to the patch of the unbroken run
	@.venv/bin/python tests/kills/kills.py $(ARGS)

power-loss: setup ## 40 of these, after each of which the disk has lost what it was not given durably (root, loop devices)
	@.venv/bin/python tests/kills/kills.py --power-loss --kills 40 $(ARGS)

bench-repair: setup ## bugs planted in libraries: how many are fixed; ARGS="--limit 10 --libraries glom" for a part
	@PYTHONPATH=. .venv/bin/python -m scripts.bench_repair $(ARGS)

bench-repair-speed: setup ## candidates a second against pytest processes and mutmut, on one module and one core
	@PYTHONPATH=. .venv/bin/python -m scripts.bench_repair.speed

bench-repair-suspects: setup ## where planted bugs stand among the suspects, with and without the slice and predicate switching
	@PYTHONPATH=. .venv/bin/python -m scripts.bench_repair.suspects $(ARGS)

bench-repair-scale: setup ## memory with 20,000 tests, and the start on 5,000 files
	@PYTHONPATH=. .venv/bin/python -m scripts.bench_repair.scale

bench-repair-releases: setup ## bugs that people fixed between two releases; ARGS="--limit 5", or "--find NAME" for more of them
	@PYTHONPATH=. .venv/bin/python -m scripts.bench_repair.releases $(ARGS)

train-ranking: setup ## learn coder/repair/ranking.json from bugs planted in the libraries not kept for measuring
	@PYTHONPATH=. .venv/bin/python -m scripts.train_ranking $(ARGS)

fuzz: setup     ## 10,000 made-up cases for each of seven kinds of input
	@CODER_FUZZ=10000 .venv/bin/python -m pytest tests/security/test_fuzz.py -q

kills: setup    ## coder killed at 200 seeded instants, half in each sandbox: nothing may be left
	@CODER_KILLS=200 .venv/bin/python -m pytest tests/security/test_attack_survival.py -q

record: setup   ## docs/run.svg, the picture of a real run
	@.venv/bin/python scripts/record.py

bench-model: setup ## a step with a model: coder's own time, prompt tokens against mini-swe-agent's
	@[ -x .cache/mini/bin/python ] || { python3 -m venv .cache/mini && .cache/mini/bin/pip install -q mini-swe-agent; }
	@.venv/bin/python -m scripts.bench_model .cache/mini/bin/python

bench-map: setup ## the repository map against aider's (makes an environment with aider-chat in .cache)
	@[ -x .cache/aider/bin/python ] || { python3 -m venv .cache/aider && .cache/aider/bin/pip install -q aider-chat; }
	@.venv/bin/python -m scripts.bench_map .cache/aider/bin/python

clean:          ## remove what the targets made in the clone
	@rm -rf .venv .venv-target .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
