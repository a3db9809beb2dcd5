# `make run` serves the example, `make check` is for while you write, `make test` proves everything; each makes what it
# needs. A suite is one environment that the tests run in: a version of Python, or a choice of dependencies.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

HOST ?= 127.0.0.1
PORT ?= 8080
VENV ?= .venv
BIN := $(VENV)/bin
VERSIONS := 3.11 3.12 3.13 3.14 3.15
SUITES := $(VERSIONS) oldest canary
# One process for each core; each has servers, ports and folders of its own.
JOBS ?= auto
PYTEST := pytest -n $(JOBS) --dist loadgroup
QUICK := $(PYTEST) -m "not process and not slow and not fuzz"
EXTRAS_TO_RUN := postgres,redis
PREFERRED := 3.13 3.14 3.12 3.11 3.15
CODE := $(wildcard framework tests app_example examples benchmarks)

# A Python of one version, from the path or from pyenv; a pyenv shim may be there and yet not run.
find_python = for python in python$(1) "$$(pyenv root 2>/dev/null)"/versions/$(1)*/bin/python; do \
	if "$$python" -c 'import venv, ensurepip' 2>/dev/null; then echo "$$python"; break; fi; done
# The python3 that is there, when it is new enough; else the first of these.
PYTHON ?= $(shell python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo python3 || { for version in $(PREFERRED); do $(call find_python,$$version); done | head -n 1; })

.PHONY: help run check test test-all lint types quick tests test-plain format bench budget torture restarts sameness contract contract-lint docs reference pictures tutorial fuzz image pins clean

help: ## List what there is.
	@sed -n 's/^\([a-z%-]*\):[^#]*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

run: $(VENV)/.runs ## Serve app_example on HOST and PORT; its data is in var/.
	@mkdir -p var
	exec $(BIN)/framework run app_example --migrate --host $(HOST) --port $(PORT)

check: lint types quick ## Check style and types, and run the tests that start no process.

test: lint types tests ## Check style and types, and run all tests with their coverage.

lint: $(VENV)/.tests ## Check the style.
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

types: $(VENV)/.tests ## Check the types.
	$(BIN)/mypy $(CODE)

quick: $(VENV)/.tests ## Run the tests that start no process: no server, no command, no browser.
	$(BIN)/python -m $(QUICK)

# Parts of an earlier run would count as covered.
tests: $(VENV)/.tests ## Run all tests with their coverage.
	$(BIN)/coverage erase
	$(BIN)/coverage run -m $(PYTEST)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# What the canary finds is news from aiohttp, no fault of ours.
test-all: $(addprefix test-,$(VERSIONS) oldest) ## Run all tests in every suite: 3.11 to 3.15, oldest, canary.
	-$(MAKE) test-canary

test-%: $(VENV)-%/.tests ## Run all tests in one suite: test-3.14, test-oldest, test-canary.
	$(VENV)-$*/bin/python -m $(PYTEST)

test-plain: $(VENV)/.tests ## Run all tests without private parts of the libraries below, but those of named guarantees.
	FRAMEWORK_PLAIN=1 $(BIN)/python -m $(PYTEST) --deselect tests/benchmarks --deselect tests/test_wheel.py

has-python-%: # Tell whether there is a Python for a suite.
	@test -n '$(if $(filter $*,$(VERSIONS)),$(shell $(call find_python,$*)),$(PYTHON))'

quick-%: $(VENV)-%/.tests ## Run the tests that start no process in one suite.
	$(VENV)-$*/bin/python -m $(QUICK)

format: $(VENV)/.tests ## Put the code into the house's shape.
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# The service and its peers have environments of their own, so that neither changes what the other imports.
bench: ## Measure the service and its peers side by side; OPTIONS go to the bench.
	$(PYTHON) benchmarks/environment.py
	.venv-bench/bin/python -m benchmarks $(OPTIONS)

budget: $(VENV)/.tests ## Count the instructions that a request costs, against the budget; OPTIONS=--update writes it anew.
	$(BIN)/python -m benchmarks.instructions $(OPTIONS)

torture: $(VENV)/.tests ## Measure what requests cost that were made to be dear, against the promise of 0.1 s of CPU per MB.
	$(BIN)/python -m benchmarks.torture

restarts: $(VENV)/.tests ## Count what rolling restarts and kills lose under load; OPTIONS go to it, such as --requests=20000.
	$(BIN)/python -m benchmarks.restarts $(OPTIONS)

sameness: $(VENV)/.tests ## Run marshmallow's own tests against the compiled functions.
	$(BIN)/python -m tests.validation.upstream

# The judge has an environment of its own: it brings servers and clients of others.
contract: $(VENV)/.tests ## Let schemathesis judge app_example by its document, signed in and not.
	test -x .venv-contract/bin/st || { $(PYTHON) -m venv .venv-contract && \
		.venv-contract/bin/pip install --quiet 'schemathesis>=4.32,<5'; }
	$(BIN)/python -m tests.contract "$$PWD/.venv-contract/bin/st"

reference: $(VENV)/.tests ## Write docs/settings.md anew from the settings themselves.
	$(BIN)/python -m tests.docs.reference

pictures: $(VENV)/.tests ## Look at every page of the example in Chromium, and keep the README's pictures in docs/pictures.
	rm -rf build/pictures && mkdir -p build/pictures docs/pictures
	PICTURES=$$PWD/build/pictures $(BIN)/python -m pytest -q -n 0 tests/app_example/test_looks.py tests/batteries/test_dashboard.py
	cp build/pictures/wide-board.png docs/pictures/board.png
	cp build/pictures/dashboard.png docs/pictures/dashboard.png
	cp build/pictures/phone-post.png docs/pictures/post-on-a-phone.png

# The site has an environment of its own: what makes it is nothing that a service needs.
docs: ## Build the site of docs/ into build/site; warnings are errors.
	test -x .venv-docs/bin/zensical || { $(PYTHON) -m venv .venv-docs && \
		.venv-docs/bin/pip install --quiet 'zensical>=0.0.10' 'mkdocstrings[python]>=1.0'; }
	.venv-docs/bin/zensical build --strict --clean
	! grep -rlE '(src|href)="(https?:)?//(fonts|cdn|unpkg)' build/site

tutorial: $(VENV)/.tests ## Follow docs/tutorial.md to the letter, in an empty environment and with its container.
	$(BIN)/python -m tests.docs.tutorial

contract-lint: $(VENV)/.tests ## Let redocly and spectral judge the document of app_example; wants npm.
	npm install --prefix .node-contract --silent --no-audit --no-fund @redocly/cli@2 @stoplight/spectral-cli@6
	$(BIN)/framework openapi app_example > .node-contract/openapi.json
	echo 'extends: ["spectral:oas"]' > .node-contract/spectral.yaml
	.node-contract/node_modules/.bin/spectral lint --ruleset .node-contract/spectral.yaml .node-contract/openapi.json
	.node-contract/node_modules/.bin/redocly lint .node-contract/openapi.json

fuzz: $(VENV)/.tests ## Look for faults with random input, for longer than the tests do.
	$(BIN)/python -m pytest -m fuzz --hypothesis-profile=fuzz

# Images of the format OCI have no HEALTHCHECK; docker's own builder knows no other format than the one that has it.
BUILDER ?= $(shell for tool in docker podman buildah; do command -v $$tool && break; done)
image: ## Build the container image aiohttp-batteries.
	$(or $(BUILDER),$(error docker, podman or buildah is needed)) build --tag aiohttp-batteries \
		$(if $(findstring docker,$(BUILDER)),,--format docker) .

pins: ## Write down the newest versions that fit, as constraints.txt.
	rm -rf $(VENV)-pins
	$(PYTHON) -m venv $(VENV)-pins
	$(VENV)-pins/bin/pip install --quiet --editable '.[dev]' hatchling
	{ sed -n '/^#/p' constraints.txt; $(VENV)-pins/bin/pip freeze --exclude-editable; } > constraints.new
	mv constraints.new constraints.txt
	rm -rf $(VENV)-pins

clean: ## Remove all that was made, except var/.
	rm -rf $(VENV) $(addprefix $(VENV)-,$(SUITES)) .venv-contract .venv-docs build dist htmlcov .coverage .coverage.* \
		.mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: an environment is made once, and again when what it is made of changes.
$(VENV)/.runs: pyproject.toml constraints.txt
	$(call install,$(VENV),$(PYTHON),.[$(EXTRAS_TO_RUN)])

$(VENV)/.tests: pyproject.toml constraints.txt
	$(call install,$(VENV),$(PYTHON),.[dev])
	@touch $(VENV)/.runs

$(VENV)-%/.tests: pyproject.toml constraints.txt
	$(call install,$(VENV)-$*,$(shell $(call find_python,$*)),.[dev])

# The oldest versions that pyproject.toml admits, and the newest ones of what those need.
$(VENV)-oldest/.tests: pyproject.toml tests/oldest.py $(VENV)/.tests
	rm -rf $(VENV)-oldest && mkdir $(VENV)-oldest
	$(BIN)/python -m tests.oldest > $(VENV)-oldest/constraints.txt
	$(call install,$(VENV)-oldest,$(PYTHON),.[dev],$(VENV)-oldest/constraints.txt)

# What is to come: the newest aiohttp, be it a pre-release, which our requirements do not admit yet.
$(VENV)-canary/.tests: pyproject.toml constraints.txt
	rm -rf $(VENV)-canary
	$(call install,$(VENV)-canary,$(PYTHON),.[dev])
	$(VENV)-canary/bin/pip install --quiet --upgrade --pre aiohttp
	@touch $@

.PRECIOUS: $(VENV)-%/.tests

define install
	@test -n '$(2)' || { echo 'There is no Python for $(1): install one of $(VERSIONS) with its venv module, or name it with PYTHON=' >&2; exit 1; }
	test -x $(1)/bin/python || $(2) -m venv $(1)
	$(1)/bin/pip install --quiet --constraint $(or $(4),constraints.txt) --editable '$(3)'
	@touch $@
endef
