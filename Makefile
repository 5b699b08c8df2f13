# Everything a checkout needs, made by what uses it: 'make test' on a fresh clone is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help rehearse test lint format engine bench soak compare docs clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

rehearse: $(INSTALLED) ## deploy into the embedded AWS and watch a run (ARGS="--scenario late-burst")
	@$(BIN)/python -m rehearsal $(ARGS)

test: $(INSTALLED) ## every test; those that drive the Pulumi engine are skipped when there is none
	$(BIN)/python -m pytest -n 2 $(ARGS)

lint: $(INSTALLED) ## ruff, mypy, the rules of dependency, shellcheck
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy components/lustre_batch functions rehearsal tools tests/rehearsal __main__.py
	$(BIN)/lint-imports
	$(BIN)/shellcheck $$(git ls-files '*.sh')

docs: $(INSTALLED) ## regenerate the tables and diagrams, Pulumi.yaml's configuration and the arguments
	$(BIN)/python -m tools.generate

engine: ## the Pulumi engine for the engine tests: one on PATH, or built once into a user-level cache (needs Go)
	@tools/engine/build.sh

format: $(INSTALLED) ## let ruff format and sort
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what make created here
	rm -rf $(VENV) .engine dist build *.egg-info

bench: $(INSTALLED) ## measure what speed is promised for
	$(BIN)/python -m tools.bench

soak: $(INSTALLED) ## property tests over N random schedules (N=5000)
	@$(BIN)/python -m tools.soak --schedules '$(or $(N),5000)'

compare: $(INSTALLED) ## the reference system and ours over the same N schedules (N=1000); WRITE=1 updates the READMEs
	@$(BIN)/python -m rehearsal.play.compare --schedules '$(or $(N),1000)' $(if $(WRITE),--write)
