# make run    serve on http://127.0.0.1:8888 with the board `demo`
# make test   lint, format check, types, tests
#
# Both make the virtual environment .venv first, and again when setup.cfg has changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHAOS := tests/floods tests/test_simulator.py tests/test_kill9.py tests/test_many_instances.py

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The environment of whoever calls must not decide what is imported.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP
export PYTHONNOUSERSITE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# A checkout that was moved, or a Python that was upgraded, leaves an environment that does not start.
ifneq ($(shell $(BIN)/python -m pip --version >/dev/null 2>&1 && echo works),works)
$(VENV)/.installed $(VENV)/.installed-test: broken
endif

.PHONY: broken help run test chaos check format reference clean

help:
	@sed -n 's/^# \{0,1\}//p' $(MAKEFILE_LIST) | head -n 4
	@echo 'make chaos  the long runs: thousands of seeds, hundreds of kill -9; BOARDCAST_SEED=n for one seed'
	@echo 'make check  lint, format check and types only · make format · make reference · make vendor · make screenshots · make clean'

run: $(VENV)/.installed
	$(BIN)/python -m server serve

test: $(VENV)/.installed-test
	@.ci/chromium
	@.ci/prometheus
	@.ci/redis
	@.ci/mosquitto
	@.ci/nginx
	@.ci/node
	@$(MAKE) --no-print-directory check
	@without=(); \
	.ci/chromium found || without+=(--ignore=tests/browser); \
	.ci/prometheus found || without+=(--ignore=tests/test_prometheus.py); \
	.ci/node found || without+=(--ignore=tests/test_js.py); \
	$(BIN)/python -m pytest "$${without[@]}"; \
	failed=0; \
	for tool in chromium prometheus redis mosquitto nginx node; do .ci/$$tool found || .ci/$$tool missing || failed=1; done; \
	exit $$failed

check: $(VENV)/.installed-test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy --strict server handlers

# Beside others, in one run; see docs/performance.md. BENCH_ROUNDS, BENCH_SECONDS, BENCH_CASES, BENCH_SERVERS.
.PHONY: bench
bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

chaos: $(VENV)/.installed-test
	BOARDCAST_CHAOS=1 $(BIN)/python -m pytest -s $(CHAOS)

format: $(VENV)/.installed-test
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

# What static/vendor/packages.json names, from the npm registry.
.PHONY: vendor
vendor:
	.ci/vendor

# The pictures of the README, into docs/screenshots.
.PHONY: screenshots
screenshots: $(VENV)/.installed-test
	$(BIN)/python -m tests.browser.screenshots

reference: $(VENV)/.installed
	$(BIN)/python -m server.config.reference

clean:
	rm -rf $(VENV) build dist ./*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage htmlcov
	find . -path ./.git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: setup.cfg pyproject.toml
	@PYTHON='$(PYTHON)' .ci/venv '$(VENV)'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-test: setup.cfg pyproject.toml
	@PYTHON='$(PYTHON)' .ci/venv '$(VENV)'
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $(VENV)/.installed $@
