# Each target creates what it needs first: `make test` is enough on a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# requires-python in pyproject.toml; a test holds the two together.
NEEDED := 3.11
NEW_ENOUGH := import sys; sys.exit(sys.version_info < tuple(map(int, "$(NEEDED)".split("."))))
IS_COMPLETE = $(BIN)/python -c 'import pip; $(NEW_ENOUGH)'

.PHONY: help rehearse test lint format definition engine cloud-init jsonata chromium picture recording bench soak exhaust mutants compare conform docs clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# What `make` says when the Python on PATH is too old, before anything is created.
too_old = Python $(NEEDED) or later is needed, but $(PYTHON) is $(or $(shell command -v $(PYTHON) >/dev/null && $(PYTHON) --version 2>&1),not installed); \
  try: make $(or $(MAKECMDGOALS),rehearse) PYTHON=python$(NEEDED)

# An environment that is incomplete, or whose Python is too old, is created anew.
$(INSTALLED): requirements.txt pyproject.toml
	$(if $(shell exec 2>/dev/null; if $(IS_COMPLETE) || $(PYTHON) -c '$(NEW_ENOUGH)'; then echo yes; fi),,$(error $(too_old)))
	@$(IS_COMPLETE) 2>/dev/null || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	@echo "installing into $(VENV) (once, about a minute)" >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

rehearse: $(INSTALLED) ## deploy into the embedded AWS and watch a run (ARGS="--list": what there is to watch)
	@$(BIN)/python -m rehearsal $(ARGS)

test: $(INSTALLED) ## run every test; those that need the Pulumi engine are skipped without one (make engine)
	$(BIN)/python -m pytest -n 2 $(ARGS)

lint: $(INSTALLED) ## check style, types and the dependency rules: ruff, mypy, import-linter, shellcheck, actionlint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy components/lustre_batch functions rehearsal tools tests __main__.py
	$(BIN)/lint-imports
	$(BIN)/shellcheck $$(git ls-files '*.sh')
	tools/actionlint/run.sh

docs: $(INSTALLED) ## regenerate what is derived from settings, definition and scenarios (CHECK=1: only list what is stale)
	$(BIN)/python -m tools.generate $(if $(CHECK),--check)
	$(if $(CHECK),,$(BIN)/python -m tools.scenarios)
	$(if $(CHECK),,$(BIN)/python -m tools.conform --dry-run --write)

definition: $(INSTALLED) ## write the state machines as the JSON that Workflow Studio opens, into build/
	@$(BIN)/python -m tools.definition

jsonata: ## install the reference implementation of JSONata, which tests/conform uses as well (needs Node.js)
	@npm ci --silent --no-audit --no-fund --prefix tests/conform/jsonata

engine: ## find or build the Pulumi engine that the tests and --engine use (not for deploying; needs Go)
	@tools/engine/build.sh

cloud-init: ## unpack the distribution's cloud-init for the tests of the user data (Debian or Ubuntu; nothing is installed)
	@tools/cloud_init/fetch.sh

chromium: ## install the distribution's Chromium for the test of the page, unless there is one (Debian or Ubuntu, as root)
	@tools/chromium/install.sh

picture: $(INSTALLED) ## draw docs/images/report.png anew, from a rehearsal (needs Chromium: make chromium)
	@$(BIN)/python -m tools.picture

recording: $(INSTALLED) ## record the session on top of the READMEs anew, docs/images/session.svg, from a rehearsal
	@$(BIN)/python -m tools.recording

format: $(INSTALLED) ## format the code and sort its imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what these targets created in this folder
	rm -rf $(VENV) .engine .cloud-init dist build *.egg-info tests/conform/jsonata/node_modules

bench: $(INSTALLED) ## measure start-up, deployment and rehearsal times, and how well many runs share a few lanes
	$(BIN)/python -m tools.bench

soak: $(INSTALLED) ## play N random schedules and print the smallest that fails (N=5000)
	@$(BIN)/python -m tools.soak --schedules '$(or $(N),5000)'

mutants: $(INSTALLED) ## break the definitions and the Lambda in small ways and ask the tests whether they notice (ARGS="--only NAME")
	@$(BIN)/python -m tools.mutants $(ARGS)

exhaust: $(INSTALLED) ## fail every call of a run in every way and stop it in every state (N=200: a sample); WRITE=1 updates docs/faults.md
	@$(BIN)/python -m tools.exhaust $(if $(N),--cases '$(N)') $(if $(WRITE),--write)

compare: $(INSTALLED) ## the reference system and ours over the same N schedules (N=1000); WRITE=1 updates the READMEs
	@$(BIN)/python -m rehearsal.play.compare --schedules '$(or $(N),1000)' $(if $(WRITE),--write)

conform: $(INSTALLED) ## ask Step Functions itself whether it does what the rehearsal did (needs AWS credentials; costs nothing); WRITE=1 updates docs/conform.md
	@$(BIN)/python -m tools.conform $(ARGS) $(if $(WRITE),--write)
