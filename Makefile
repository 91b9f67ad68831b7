# Every target works on a fresh machine: it makes .venv and installs what is missing first.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Byte-compiling a thousand modules ahead takes longer than installing them; Python does it as they are imported.
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable
RECIPE ?= mpnet
SEEDS ?= 5

.PHONY: help train score sweep curve compare bench ui test lint clean clean-runs

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

train: $(VENV)/.train ## Train mpnet, or RECIPE=NAME; what is better becomes champion
	@$(BIN)/python -m training train $(RECIPE)

score: $(VENV)/.floor ## Score the articles in seeds/, or PATHS="file folder ..."
	@test -f models/champion || { echo "no trained model yet: training tfidf first (make train trains the better one)"; \
	  $(BIN)/python -m training train --unchecked tfidf; }
	@$(BIN)/newsstance score --format table $(or $(PATHS),seeds)

sweep: $(VENV)/.train ## Train RECIPE=NAME with SEEDS=5 seeds: mean, spread and 95% intervals
	@$(BIN)/python -m training sweep --seeds $(SEEDS) $(RECIPE)

curve: $(VENV)/.train ## Train RECIPE=NAME on 1/8, 1/4, 1/2 and all of the corpus: the learning curve
	@$(BIN)/python -m training curve $(RECIPE)

compare: $(VENV)/.floor ## Rank the runs, or compare two: RUNS="A B", recipes, run names or run ids
	@$(BIN)/python -m training compare $(RUNS)

bench: $(VENV)/.bench ## Compare speed, memory and stance_f1 with other ways of scoring, in one table
	@$(BIN)/python -m training bench

ui: $(VENV)/.floor ## Open the MLflow UI on this project's store, at 127.0.0.1
	@$(BIN)/python -m training ui

test: $(VENV)/.test ## Run all tests
	@$(BIN)/python -m pytest

lint: $(VENV)/.test ## Run ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clean: ## Remove .venv and what tools leave behind; models and runs stay
	rm -rf $(VENV) build dist serve/newsstance.egg-info .pytest_cache .mypy_cache .ruff_cache

clean-runs: $(VENV)/.floor ## Delete the local MLflow store, after asking; models stay
	@$(BIN)/python -m training clean-runs

$(VENV)/.python:
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.floor: $(VENV)/.python pyproject.toml constraints.txt
	@echo "installing what scoring needs into $(VENV) (about a minute)"
	@$(INSTALL) '.[floor]'
	@touch $@

$(VENV)/.train: $(VENV)/.python pyproject.toml constraints.txt
	@echo "installing what training needs into $(VENV) (a minute or two)"
	@$(INSTALL) '.[train]'
	@touch $@ $(VENV)/.floor

$(VENV)/.bench: $(VENV)/.python pyproject.toml constraints.txt
	@echo "installing what the benchmark needs into $(VENV) (a minute or two)"
	@$(INSTALL) '.[bench]'
	@touch $@ $(VENV)/.train $(VENV)/.floor

$(VENV)/.test: $(VENV)/.python pyproject.toml constraints.txt
	@echo "installing what the tests need into $(VENV) (a minute or two)"
	@$(INSTALL) '.[train,dev]'
	@$(BIN)/python -m training texts > /dev/null || echo "the tests go on without it"
	@touch $@ $(VENV)/.train $(VENV)/.floor
