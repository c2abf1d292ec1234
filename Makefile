# The front door: `make help` lists the rooms. `make check` is exactly what CI runs; every step of it also runs alone.
#
# A machine needs Python 3.11 or newer with pip, make and git. Everything else is installed below this directory:
# uv into .tools/, the workspace into .venv/, the running stack's state into .devstack/.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# ---- Settings: `make run PLAYERS=50`, `make unit ARGS="-k purchase -x"` ----
PLAYERS ?= 300
# Seconds of the players' evening that pass in one of ours.
CLOCK_RATE ?=
# Directory of the public data, which more players than the sample's 300 need.
DATA ?=
ARGS ?=
EXAMPLES ?= 1250
MESSAGES ?= 10000
SESSIONS ?= 100000
# What `protos` compares with: the newest state of the branch that everybody builds on.
BASE ?= $(shell git rev-parse --verify --quiet origin/main || git rev-parse --verify --quiet HEAD)

# One version of uv resolves, locks and builds, here and in the images; another one on the path is left alone.
UV_VERSION := 0.13.9
UV := $(if $(filter $(UV_VERSION),$(word 2,$(shell uv --version 2>/dev/null))),uv,.tools/uv/bin/uv)
UV_TOOL := $(filter .tools/%,$(UV))
# The machine's own interpreter, never a downloaded one: 3.11 is what production runs, newer ones work.
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON ?= $(if $(shell python3.11 --version 2>/dev/null),3.11,>=3.11)

INSTALLED := .venv/.installed
IN := .venv/bin
PROJECTS := pyproject.toml $(wildcard packages/*/pyproject.toml services/*/pyproject.toml tools/*/pyproject.toml)
SOURCES := packages services tools tests
DESCRIPTORS := services/grpc/src/library_grpc/_generated/descriptors.binpb
say = @printf '\n== %s\n' "$(1)"

##@ Use it

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9_-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nSettings: PLAYERS=%s (with DATA=directory more, or all), CLOCK_RATE=450 for the evening of `run`, ARGS="…" for pytest\n' "$(PLAYERS)"

.PHONY: run
run: $(INSTALLED) ## Start the whole service with real sample data and show one purchase; Ctrl-C ends it
	@$(IN)/library-dev run --players $(PLAYERS) $(if $(CLOCK_RATE),--clock-rate $(CLOCK_RATE)) $(if $(DATA),--data "$(DATA)")

.PHONY: stop
stop: ## Stop `make run`, or whatever it left running
	@if [ -x $(IN)/library-dev ]; then $(IN)/library-dev stop; else echo "nothing is installed, so nothing runs"; fi

.PHONY: test
test: $(INSTALLED) ## Run every test
	$(call say,tests)
	@$(IN)/pytest $(ARGS)

.PHONY: check
check: format lint types layers migrations-lint schema-check protos generated images test ## Run everything that CI runs
	$(call say,all clean)

.PHONY: fmt
fmt: $(INSTALLED) ## Format the code and mend what can be mended
	@$(IN)/ruff format $(SOURCES)
	@$(IN)/ruff check --fix $(SOURCES)

##@ Single checks

.PHONY: format
format: $(INSTALLED) ## Is everything formatted?
	$(call say,format)
	@$(IN)/ruff format --check $(SOURCES)

.PHONY: lint
lint: $(INSTALLED) ## ruff, all rules
	$(call say,lint)
	@$(IN)/ruff check $(SOURCES)

.PHONY: types
types: $(INSTALLED) ## mypy, strict
	$(call say,types)
	@$(IN)/mypy $(SOURCES)

.PHONY: layers
layers: $(INSTALLED) ## Who may import whom (import-linter)
	$(call say,layers)
	@$(IN)/lint-imports --no-logo

.PHONY: migrations-lint
migrations-lint: $(INSTALLED) ## Are the migrations safe on a live database? (squawk)
	$(call say,migrations)
	@$(IN)/squawk $(filter-out %.rollback.sql,$(wildcard migrations/[0-9]*.sql))

.PHONY: schema-check
schema-check: $(INSTALLED) ## Is migrations/schema.sql what the migrations make?
	$(call say,schema)
	@$(IN)/python tools/checks/schema.py --check

.PHONY: protos
protos: $(INSTALLED) ## Style of the protos, and no change that breaks a caller (buf)
	$(call say,protos)
	@$(IN)/buf lint proto
	@mkdir -p build && if git show $(BASE):$(DESCRIPTORS) > build/base.binpb 2>/dev/null; \
		then $(IN)/buf breaking proto --against build/base.binpb; \
		else echo "nothing to compare with at BASE=$(BASE)"; fi

.PHONY: generated
generated: $(INSTALLED) ## Are the generated files what their sources make?
	$(call say,generated files)
	@$(IN)/python tools/codegen/generate.py --check
	@$(IN)/python tools/checks/documents.py --check

.PHONY: images
images: $(INSTALLED) ## The Dockerfile (hadolint)
	$(call say,images)
	@$(IN)/hadolint services/Dockerfile

##@ Single tests

.PHONY: unit
unit: $(INSTALLED) ## Rules alone: no sockets, seconds
	@$(IN)/pytest tests/unit $(ARGS)

.PHONY: contract
contract: $(INSTALLED) ## One suite for every fake and its adapter
	@$(IN)/pytest tests/contract $(ARGS)

.PHONY: component
component: $(INSTALLED) ## One service in process, fakes around it
	@$(IN)/pytest tests/component $(ARGS)

.PHONY: fuzz
fuzz: $(INSTALLED) ## Schemathesis at length: EXAMPLES=1250, 19,898 requests in one run
	@SCHEMATHESIS_EXAMPLES=$(EXAMPLES) $(IN)/pytest tests/component/api/test_schemathesis.py $(ARGS)

.PHONY: fuzz-grpc
fuzz-grpc: $(INSTALLED) ## gRPC at length: MESSAGES=10000 that went wrong, half as many byte strings, frames, headers
	@GRPC_FUZZ_MESSAGES=$(MESSAGES) $(IN)/pytest tests/component/grpc/test_fuzz.py $(ARGS)

.PHONY: integration
integration: $(INSTALLED) ## Adapters against the real stores
	@$(IN)/pytest tests/integration $(ARGS)

.PHONY: migrations
migrations: $(INSTALLED) ## Up, down, up; the schema; the partitions
	@$(IN)/pytest tests/migrations $(ARGS)

.PHONY: statements
statements: $(INSTALLED) ## Every named SQL statement prepared against the schema, and fit for Citus
	@$(IN)/pytest tests/migrations/test_statements.py tests/architecture/test_sql_runs_on_citus.py $(ARGS)

.PHONY: architecture
architecture: $(INSTALLED) ## The laws that no linter knows
	@$(IN)/pytest tests/architecture $(ARGS)

.PHONY: e2e
e2e: $(INSTALLED) ## Journeys through the real doors
	@$(IN)/pytest tests/e2e $(ARGS)

.PHONY: sweep
sweep: $(INSTALLED) ## The sweeper over many sessions that nobody ended: SESSIONS=100000
	@STALE_SESSIONS=$(SESSIONS) $(IN)/pytest tests/component/sweeper/test_sessions.py --timeout 3600 $(ARGS)

.PHONY: chaos
chaos: $(INSTALLED) ## Bad days: servers away, processes killed, events shuffled
	@PLAYING_KILLS=10 PLAYING_SCRIPTS=40 \
		$(IN)/pytest tests/chaos tests/integration/postgres/test_sessions_in_any_order.py $(ARGS)

##@ Measure it

.PHONY: bench
bench: $(INSTALLED) ## The service under load beside its peers: ARGS="--only=list --rounds=1"; see docs/performance.md
	@UV="$(UV)" tools/devstack/peers/install
	@$(IN)/library-dev bench $(ARGS)

##@ Make it

.PHONY: install
install: $(INSTALLED) ## Install the workspace into .venv, exactly as locked

.PHONY: generate
generate: $(INSTALLED) ## Write what is made: gRPC code, OpenAPI, event schemas, the page of settings
	@$(IN)/python tools/codegen/generate.py
	@$(IN)/python tools/checks/documents.py

.PHONY: schema
schema: $(INSTALLED) ## Write migrations/schema.sql from the migrations
	@$(IN)/python tools/checks/schema.py

.PHONY: lock
lock: | $(UV_TOOL) ## Write uv.lock after a change of dependencies
	@$(UV) lock

.PHONY: clean
clean: ## Remove what was installed, cached and built; the stack's state stays
	rm -rf .venv .tools build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find packages services tools tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- Installation: nothing happens while the lock and the projects are unchanged ----

.tools/uv/bin/uv:
	$(call say,installing uv $(UV_VERSION))
	@python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --upgrade --target .tools/uv uv==$(UV_VERSION)

$(INSTALLED): uv.lock $(PROJECTS) | $(UV_TOOL)
	$(call say,installing the workspace)
	@$(UV) sync --quiet --locked
	@touch $@
