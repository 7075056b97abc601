# Every target sets up what it needs first; there is nothing to install by hand.
# State of `make run` and `make demo` lies under var/ unless TAMAS_STATE_DIR says otherwise.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: help setup setup-dev run demo test test-failed test-slow lint format types bench lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup:
	@scripts/setup.sh run

setup-dev:
	@scripts/setup.sh dev

run: setup ## Start the contact center (first start creates its state and prints what to do next)
	@TAMAS_STATE_DIR="$${TAMAS_STATE_DIR:-$(CURDIR)/var/run}" exec $(BIN)/tamas serve

demo: setup ## Start it with two test phones and a two-way call placed through the API; ONCE=1 ends after that
	@TAMAS_STATE_DIR="$${TAMAS_STATE_DIR:-$(CURDIR)/var/demo}" exec $(BIN)/tamas demo $(if $(filter-out 0 no,$(ONCE)),--once)

test: setup-dev lint ## Lint, types, and the test suite on a real Asterisk, SQLite and PostgreSQL
	@$(PYTEST) -m "not slow" --numprocesses 2 --dist loadfile --durations=20

test-failed: setup-dev lint ## Only what failed the last time
	@$(PYTEST) -m "not slow" --last-failed --last-failed-no-failures none

test-slow: setup-dev ## The tests that take longer
	@$(PYTEST) -m slow

lint: setup-dev ## Format check, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy src tests bench
	@$(BIN)/lint-imports --no-cache | tail -n 3

format: setup-dev ## Format and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

bench: setup-dev ## Figures as ratios against baselines of the same run
	@$(BIN)/python -m bench

lock: setup-dev ## Renew the locked requirements from pyproject.toml
	@scripts/lock.sh

clean: ## Remove what these targets made in this folder (not the state under var/)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
