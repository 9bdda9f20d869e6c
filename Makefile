# Every target sets up what it needs first; nothing has to be installed by hand. `make help` lists them.
.DEFAULT_GOAL := help
ROOT := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
SETUP := cd $(ROOT) && CONDUCTOR_UP_ONCE=$(ONCE) python3 -m conductor.embedded.bootstrap
PYTHON := $(ROOT).venv/bin/python

.PHONY: help up run stop status migrate shell manage demo-incident test test-fast lint types fmt reset doctor \
  ci full release openapi sdk lock walls attacks chaos perf measure policy-test policy-simulate chroot-test

help: ## list the targets
	@awk -F ':.*## ' '/^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

##@ Daily

up: ## set up, start everything, run the main job, print the sign-in links (ONCE=1: stop afterwards)
	@$(SETUP) up

run: migrate ## serve the console alone on the data of `make up`, and reload changed code (PORT=8000)
	@$(SETUP) run $(PYTHON) manage.py runserver 127.0.0.1:$(or $(PORT),8000)

stop: ## stop a `make up` that runs elsewhere
	@$(SETUP) stop

status: ## say whether `make up` is running, and where
	@$(SETUP) status

migrate: ## bring the schema of `make up` up to date
	@$(SETUP) run $(PYTHON) manage.py migrate --database=owner --no-input $(ARGS)

shell: ## Python with Django set up, on the data of `make up`
	@$(SETUP) run $(PYTHON) manage.py shell $(ARGS)

manage: ## run a command of manage.py on the data of `make up` (ARGS="verify_ledger --tenant northwind")
	@$(SETUP) run $(PYTHON) manage.py $(ARGS)

demo-incident: ## replay a real outage through Slack, alerts and console, with a worker killed in the middle
	@$(SETUP) demo-incident

test-fast: ## the quick part of the tests, in less than 90 s on two idle cores (CONTRIBUTING.md says what it leaves out)
	@$(SETUP) test-fast $(ARGS)

test: ## set up and run the tests on all cores (ARGS="tests/ledger -x": those, in one process)
	@$(SETUP) test $(ARGS)

lint: ## ruff, the import contracts, unused and undeclared dependencies
	@$(SETUP) lint

types: ## mypy, strict
	@$(SETUP) types

fmt: ## format the code
	@$(SETUP) fmt

doctor: ## say what this machine has and lacks
	@$(SETUP) doctor

reset: ## remove all data of this checkout (var/)
	@$(SETUP) reset

##@ Release

ci: ## lint, types, import contracts, migrations, tests with coverage
	@$(SETUP) ci $(ARGS)

full: ci ## everything that takes longer: tests marked `full`, bare Debian
	@$(SETUP) test -m full
	@$(MAKE) demo-incident
	@$(MAKE) chroot-test

release: ## build the wheel of this commit into dist/ and tag it (docs/explanation/upgrade-policy.md)
	@$(SETUP) release

openapi: ## write docs/reference/openapi.json from the code
	@$(SETUP) python manage.py write_openapi

sdk: ## build the typed Python client from docs/reference/openapi.json, as a wheel in dist/sdk/
	@$(SETUP) sdk

lock: ## resolve the requirements anew, with hashes (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-header --no-annotate -p 3.11 -o requirements-dev.lock
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate -p 3.11 -c requirements-dev.lock -o requirements.lock

chroot-test: ## `make up` and `make test` in a bare Debian 12, as root and as a user (needs root)
	@bash $(ROOT)tests/embedded/bare_debian.sh

##@ Special

measure: ## count files entered by a Slack command, modules per folder, lines, floors of imports (ARGS="--json")
	@$(SETUP) python -m perf.run house $(ARGS)

perf: ## measure, and print figures, ratios and the machine (NAME=ledger ARGS="--seconds 10")
	@$(SETUP) python -m perf.run $(or $(NAME),ledger) $(ARGS)

policy-test: ## run the tests of the Rego policies, with line coverage
	@$(SETUP) tool manage.py policy_test $(ARGS)

policy-simulate: ## replay an example's decisions on three candidate policies, with the gate (no database)
	@$(SETUP) tool manage.py policy_simulate --example

walls: ## as one tenant's session try everything on another's: tables, keys, errors, API, console, admin, Slack
	@$(SETUP) test tests/tenancy/test_walls_*.py tests/architecture/test_tenant_walls.py -q $(ARGS)

attacks: ## run the attacks on ledger, packs, notaries, keys and policy, and print the matrix
	@$(SETUP) test -p tests.attacks.printing -q -m "full or not full"

chaos: ## five hundred runs under random faults; prints what was lost and doubled (minutes)
	@$(SETUP) test -m full -q -s tests/chaos/test_chaos.py -k five_hundred
