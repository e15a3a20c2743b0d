# Flywheel's commands. `make` alone lists them.
# Needs make and Python 3.12 or newer; all else (Node, Java, the CDK CLI, the libraries) is installed below this folder.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export CDK_DISABLE_CLI_TELEMETRY := true
export JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION := 1
ENV ?=
WORKLOAD ?=
CDK_CONTEXT := $(if $(ENV),-c env=$(ENV)) $(if $(WORKLOAD),-c workload=$(WORKLOAD))
READY := $(VENV)/ready node_modules/.ready

# The first interpreter that runs and is new enough.
FIND_PYTHON = for p in "$$PYTHON" python3.12 python3 python3.13 python3.14; do \
	[ -n "$$p" ] && "$$p" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo "$$p" && break; done

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/ready: requirements/bootstrap.txt requirements/dev.txt
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then echo "Flywheel needs Python 3.12 or newer with venv and ensurepip; none of python3.12, python3, python3.13, python3.14 is. Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; fi; \
	echo "Installing into $(VENV) ($$($$python --version)) ..."; \
	$$python -m venv --clear $(VENV) && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt && \
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements/bootstrap.txt requirements/dev.txt || \
	{ echo "Setup failed: the packages could not be installed (the lines above say why; is the package index reachable, is the disk full?). Nothing was started; run the same command again." >&2; exit 1; }
	@touch $@

node_modules/.ready: $(VENV)/ready package.json package-lock.json
	@npm ci --loglevel=error --ignore-scripts || \
	{ echo "Setup failed: npm could not install the CDK CLI (is the npm registry reachable, is the disk full?). Run the same command again." >&2; exit 1; }
	@touch $@

.PHONY: setup
setup: $(READY) ## install everything below this folder

.PHONY: demo
demo: $(READY) ## the main job: deploy locally, then real data through lake, training, endpoint, API, retraining
	@python -m flywheel demo

.PHONY: algorithms
algorithms: $(READY) ## the 17 built-in algorithms (19 rows) from data to prediction, by stand-ins (ALGORITHM=kmeans for one)
	@python -m flywheel algorithms $(ALGORITHM)

.PHONY: local
local: $(READY) ## keep the embedded AWS up with the local environment deployed, and print how to reach it
	@python -m flywheel local

.PHONY: synth
synth: $(READY) ## templates of all environments into cdk.out (ENV=dev and WORKLOAD=name narrow it)
	@CDK_VALIDATION=$${CDK_VALIDATION:-false} cdk synth --quiet --no-notices $(CDK_CONTEXT)

AGAINST ?= HEAD
REVIEW = $(or $(ENV),$(error name the environment: make $@ ENV=prod)) $(if $(WORKLOAD),--workload $(WORKLOAD))

.PHONY: review
review: $(READY) ## what a change does to ENV: page, Markdown, JSON (AGAINST=git revision, environment or deployed)
	@python -m flywheel review $(REVIEW) --against $(AGAINST) $(if $(QUOTAS),--quotas $(QUOTAS))

.PHONY: diff
diff: $(READY) ## the change alone, in the terminal (ENV, AGAINST)
	@python -m flywheel diff $(REVIEW) --against $(AGAINST)

.PHONY: drift
drift: $(READY) ## what differs between the templates of ENV, what is deployed, and the resources
	@python -m flywheel drift $(REVIEW)

.PHONY: prices
prices: $(READY) ## the review's price table again, from AWS (REGION, default us-east-1)
	@python -m flywheel prices $(if $(REGION),--region $(REGION))

.PHONY: test
test: $(READY) ## all tests, the loop included
	@python -m pytest -n 2 --dist loadgroup

.PHONY: test-algorithms
test-algorithms: $(READY) ## the tests of the stand-ins on PyTorch and fastText, whose environments are large
	@python -m pytest -n 2 --dist loadgroup -m algorithms

.PHONY: check
check: $(READY) ## format, lint, types, settings, cfn-lint and cdk-nag
	@ruff format --check .
	@ruff check .
	@mypy
	@python -m flywheel check

.PHONY: format
format: $(READY) ## format the code
	@ruff format . && ruff check --fix .

.PHONY: schema
schema: $(READY) ## export the JSON Schemas of the settings for editors
	@python -m flywheel schema

.PHONY: lock
lock: $(VENV)/ready ## re-lock the Python requirements: hashes, no hosts
	@for name in bootstrap main dev sagemaker-sdk sagemaker-sdk-2; do uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header requirements/$$name.in -o requirements/$$name.txt; done
	@uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-header --no-deps requirements/samples.in -o requirements/samples.txt

.PHONY: clean
clean: ## remove what was built; keeps the installed tools
	@rm -rf build cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: distclean
distclean: clean ## remove the installed tools too
	@rm -rf $(VENV) node_modules .flywheel
