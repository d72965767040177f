# make repro   set-up and the main job        make test   set-up and the tests
# make audit   every check of what the last run promises       make results PRESET=cpu-byra   run a preset, keep its evidence
PYTHON ?= python3
JOBS ?= 0
VENV := .venv
BIN := $(abspath $(VENV))/bin
READY := $(VENV)/.ready
# every recipe sees the environment: the commands in dvc.yaml start with `python`
export PATH := $(BIN):$(PATH)
export VIRTUAL_ENV := $(abspath $(VENV))
export DVC_NO_ANALYTICS := 1
# two workers, a thread each; one that has run out of tests takes some of the other's
PYTEST := OMP_NUM_THREADS=1 python -m pytest -n 2 --dist worksteal

.PHONY: repro audit test campaign lint lock bench results setup

# the audit comes after the pipeline and is no stage of it: a stage would read a half-written dvc.lock
repro: $(READY)
	synthtrace repro -j $(JOBS)
	synthtrace audit --fast
	synthtrace trace --page

audit: $(READY)
	synthtrace audit

test: $(READY)
	$(PYTEST)

# make test tries each change that the audit must catch once, on the phantom; this tries every variant, on real scans too
campaign: $(READY)
	$(PYTEST) tests/lineage/test_campaign.py --every-variant
	$(PYTEST) tests/lineage/test_campaign.py --every-variant --study byra

lint: $(READY)
	ruff check .
	ruff format --check .
	mypy

results: $(READY)
	@test -n "$(PRESET)" || { echo "usage: make results PRESET=cpu-byra (presets/ lists them)"; exit 1; }
	synthtrace results $(PRESET)

bench: $(READY)
	python benchmarks/pipeline.py
	python benchmarks/audit.py
	python benchmarks/grid.py
	python benchmarks/diffusion_train.py
	python benchmarks/sampling.py
	python benchmarks/fidelity.py
	python benchmarks/realism.py

# hashes only: no index address may enter the file
lock: $(READY)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --upgrade --quiet -o requirements.lock

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --require-hashes --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --editable .
	touch $(READY)
