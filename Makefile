# CALISOTA: `make demo` on a bare machine, `make up` to use it, `make test` to trust it.
CALISOTA_HOME ?= $(HOME)/.calisota
export CALISOTA_HOME
PYTHON ?= python3
BIN := "$(CALISOTA_HOME)/venv/bin"
EXAMPLE ?= examples/add.yaml

.PHONY: help demo up down setup test check docs clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: ## install what is missing, start everything, solve $(EXAMPLE), stop what was started
	@$(PYTHON) include/bootstrap.py
	@$(BIN)/python include/demo.py $(EXAMPLE)

up: ## start the system for use
	@$(PYTHON) include/bootstrap.py
	@$(BIN)/calisota up --detach

down: ## stop it
	@if [ -x $(BIN)/calisota ]; then $(BIN)/calisota down; else echo "Nothing is installed."; fi

setup: ## install and build what a start needs
	@$(PYTHON) include/bootstrap.py
	@$(BIN)/calisota setup

test: ## all tests; stops the Docker Engine afterwards if it was started for them
	@$(PYTHON) include/bootstrap.py --dev
	@$(BIN)/python include/with_engine.py $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

check: ## lint, types, import contracts
	@$(PYTHON) include/bootstrap.py --dev --no-engine
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=.:plugins $(BIN)/lint-imports

docs: ## make docs/configuration.md from the settings
	@$(BIN)/python -m calisota.system.config_docs > docs/configuration.md

clean: ## stop everything and remove all data
	@$(MAKE) --no-print-directory down
	@test -f "$(CALISOTA_HOME)/secrets/api_keys.json" || \
	  { echo "$(CALISOTA_HOME) holds no data of CALISOTA; nothing is removed."; exit 1; }
	@test "$(realpath $(CALISOTA_HOME))" != "$(realpath $(HOME))" && test "$(CALISOTA_HOME)" != /
	rm -rf "$(CALISOTA_HOME)"
