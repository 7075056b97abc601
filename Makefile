# Every target sets up what it needs first; there is nothing to install by hand.
# State of `make run` and `make demo` lies under var/ unless TAMAS_STATE_DIR says otherwise.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
BIN := .venv/bin
SCRATCH := $(shell scripts/scratch.sh)
PYTEST := TMPDIR=$(SCRATCH) PYTEST_DEBUG_TEMPROOT=$(SCRATCH) $(BIN)/python -m pytest

.PHONY: help setup setup-dev run demo console wheel test test-failed test-slow screenshots lint format types bench bench-reports services components lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup:
	@scripts/setup.sh run

setup-dev:
	@scripts/setup.sh dev

run: setup ## Start the contact center (first start creates its state and prints what to do next)
	@scripts/console.sh try
	@TAMAS_STATE_DIR="$${TAMAS_STATE_DIR:-$(CURDIR)/var/run}" exec $(BIN)/tamas serve

demo: setup ## Start it with two test phones and a two-way call placed through the API; ONCE=1 ends after that
	@scripts/console.sh try
	@TAMAS_STATE_DIR="$${TAMAS_STATE_DIR:-$(CURDIR)/var/demo}" exec $(BIN)/tamas demo $(if $(filter-out 0 no,$(ONCE)),--once)

console: setup ## Build the console's pages when they are missing or stale
	@scripts/console.sh build

wheel: console ## Build the package with the console's pages in it, into dist/
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

test: setup-dev lint console ## Lint, types, and the test suite on a real Asterisk, SQLite and PostgreSQL, in a real browser
	@$(PYTEST) -m "not slow and not screenshots" --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations=20

test-failed: setup-dev lint console ## Only what failed the last time
	@$(PYTEST) -m "not slow and not screenshots" --last-failed --last-failed-no-failures none

test-slow: setup-dev console ## The tests that take longer
	@$(PYTEST) -m "slow and not screenshots"

screenshots: setup-dev console ## Pictures of the console, on var/screenshots/index.html; ONLY=pages leaves forms, tabs and drawers out
	@$(PYTEST) -m "screenshots$(if $(filter pages,$(ONLY)), and not slow)" --maxfail 10

lint: setup-dev ## Format check, lint, types, import contracts, and the same for web/
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy src tests bench
	@$(BIN)/lint-imports --no-cache | tail -n 3
	@scripts/console.sh check

format: setup-dev ## Format and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .
	@scripts/console.sh run --silent format

bench: setup-dev ## Figures as ratios against baselines of the same run
	@$(BIN)/python -m bench

bench-reports: setup-dev ## The same for reports over many calls; ARGS=--quick or --ten-million
	@$(BIN)/python -m bench.reports $(ARGS)

services: setup-dev ## Write docs/services.md: each service and its tests
	@PYTHONPATH=tests $(BIN)/python -m conformance.service_table

components: setup-dev ## Write docs/components.md: what a plan is made of
	@$(BIN)/tamas dialplan components --markdown > docs/components.md

lock: setup-dev ## Renew the locked requirements from pyproject.toml
	@scripts/lock.sh

clean: ## Remove what these targets made in this folder (not the state under var/)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist \
		web/node_modules src/tamas/console/static
