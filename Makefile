# Every target sets up what it needs first; nothing has to be installed by hand. `make help` lists them.
.DEFAULT_GOAL := help
ROOT := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
SETUP := cd $(ROOT) && CONDUCTOR_UP_ONCE=$(ONCE) python3 -m conductor.embedded.bootstrap
PYTHON := $(ROOT).venv/bin/python

.PHONY: help up demo-incident manage stop reset status doctor test walls ci full attacks chaos perf measure lint fmt types policy-test policy-simulate openapi sdk lock chroot-test

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-15s %s\n", $$1, $$2}'

up: ## set up, start everything, run the main job, print the sign-in links (ONCE=1: stop afterwards)
	@$(SETUP) up

demo-incident: ## replay a real outage through Slack, alerts and console, with a worker killed in the middle
	@$(SETUP) demo-incident

manage: ## run a command of manage.py on the data of `make up` (ARGS="verify_ledger --tenant northwind")
	@$(SETUP) run $(PYTHON) manage.py $(ARGS)

stop: ## stop a `make up` that runs elsewhere
	@$(SETUP) stop

reset: ## remove all data of this checkout (var/)
	@$(SETUP) reset

status: ## say whether `make up` is running, and where
	@$(SETUP) status

doctor: ## say what this machine has and lacks
	@$(SETUP) doctor

test: ## set up and run the tests on all cores (ARGS="tests/ledger -x": those, in one process)
	@$(SETUP) test $(ARGS)

walls: ## as one tenant's session try everything on another's: tables, keys, errors, API, console, admin, Slack
	@$(SETUP) test tests/tenancy/test_walls_*.py tests/architecture/test_tenant_walls.py -q $(ARGS)

ci: ## lint, types, import contracts, migrations, tests with coverage
	@$(SETUP) ci $(ARGS)

full: ci ## everything that takes longer: tests marked `full`, bare Debian
	@$(SETUP) test -m full
	@$(MAKE) demo-incident
	@$(MAKE) chroot-test

attacks: ## run the attacks on ledger, packs, notaries, keys and policy, and print the matrix
	@$(SETUP) test -p tests.attacks.printing -q -m "full or not full"

perf: ## measure, and print figures, ratios and the machine (NAME=ledger ARGS="--seconds 10")
	@$(PYTHON) -m perf.run $(or $(NAME),ledger) $(ARGS)

measure: ## count files entered by a Slack command, modules per folder, lines, floors of imports (ARGS="--json")
	@$(PYTHON) -m perf.run house $(ARGS)

lint: ## ruff and the import contracts
	@$(SETUP) ci lint format imports

types: ## mypy, strict
	@$(SETUP) ci types

fmt: ## format the code
	@$(PYTHON) -m ruff check --fix -q . ; $(PYTHON) -m ruff format .

policy-test: ## run the tests of the Rego policies, with line coverage
	@$(PYTHON) $(ROOT)manage.py policy_test

policy-simulate: ## replay an example's decisions on three candidate policies, with the gate (no database)
	@$(PYTHON) $(ROOT)manage.py policy_simulate --example

openapi: ## write docs/reference/openapi.json from the code
	@$(PYTHON) $(ROOT)manage.py write_openapi

sdk: ## build the typed Python client from docs/reference/openapi.json, as a wheel in dist/sdk/
	@$(SETUP) sdk

lock: ## resolve the requirements anew, with hashes
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header --no-annotate -p 3.11 -o requirements-dev.lock
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate -p 3.11 -c requirements-dev.lock -o requirements.lock

chroot-test: ## `make up` and `make test` in a bare Debian 12, as root and as a user (needs root and debootstrap)
	@bash $(ROOT)tests/embedded/bare_debian.sh

chaos: ## five hundred runs under random faults; prints what was lost and doubled (minutes)
	@$(SETUP) test -m full -q -s tests/chaos/test_chaos.py -k five_hundred
