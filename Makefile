# `make help` lists the targets. All paths are relative, so the checkout may live anywhere.
PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
INSTALL := -m pip install --quiet --disable-pip-version-check
PYTEST := python -m pytest
SITE := $(BIN)/python -m sphinx -q -W --keep-going -j auto -b html -c docs . build/site

define NEW_VENV
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo 'paribus needs Python 3.11 or newer, and "$(PYTHON)" is not. Name one that is:' >&2; \
	echo '    make PYTHON=python3.12 $(MAKECMDGOALS)' >&2; exit 1; }
@echo 'Creating $(1) and installing; this takes a few minutes the first time.'
$(PYTHON) -m venv $(1)
endef

.PHONY: help demo test check oracle bench simulate docs pictures lowest constraints clean

# One thread a test process: pytest-xdist already fills the cores.
test check oracle lowest: export OMP_NUM_THREADS = 1
simulate: export OMP_NUM_THREADS = 1

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

demo: .venv/.core  ## the loan audit, from nothing to a report
	@$(BIN)/python -m compileall -q src
	$(BIN)/paribus demo $(ARGS)

test: .venv/.dev  ## all tests in parallel, with branch coverage
	@$(BIN)/python -m compileall -q src
	$(BIN)/$(PYTEST) -n auto --cov --cov-report=term $(ARGS)

check: .venv/.dev  ## ruff, mypy, import-linter, the site is built, and the docs run
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(SITE)
	$(BIN)/$(PYTEST) -q tests/test_docs.py

oracle: .venv/.dev .venv/.oracle  ## known answers on public data sets, which this fetches with pip
	PARIBUS_ORACLE=.venv/oracle $(BIN)/$(PYTEST) tests/oracle $(ARGS)

bench: .venv/.dev  ## the ratios of benchmarks/README.md, measured here
	@$(BIN)/python -m compileall -q src
	$(BIN)/python benchmarks/run.py $(ARGS)

simulate: .venv/.dev  ## the promises about verdicts, proven by simulation (docs/simulations.md)
	@$(BIN)/python -m compileall -q src
	$(BIN)/python simulations/run.py $(ARGS)

docs: .venv/.dev  ## the site, in build/site: each page, kind and public name; a warning is an error
	$(SITE) $(ARGS)

pictures: .venv/.dev  ## docs/pictures: the loan and the mortgage report, as Chromium shows them
	$(BIN)/python -m tools.pictures $(ARGS)

lowest: .venv-lowest/.test  ## the tests on the lowest allowed versions (their old warnings do not count)
	.venv-lowest/bin/$(PYTEST) -n auto -W default $(ARGS)

constraints:  ## pin today's versions in constraints.txt, from a new environment
	rm -rf .venv-fresh
	$(call NEW_VENV,.venv-fresh)
	.venv-fresh/bin/python $(INSTALL) --editable '.[dev]'
	{ echo '# Written by `make constraints`; `make demo`, `make test` and `make check` install these.'; \
	  .venv-fresh/bin/python -m pip freeze --exclude-editable | grep '=='; } > constraints.txt
	rm -rf .venv-fresh

clean:  ## remove everything that make and the tools made
	rm -rf .venv .venv-lowest .venv-fresh .pytest_cache .mypy_cache .ruff_cache .hypothesis \
		.import_linter_cache .coverage .coverage.* htmlcov build dist
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

.venv/.python:
	$(call NEW_VENV,.venv)
	@touch $@

.venv/.core: pyproject.toml constraints.txt | .venv/.python
	$(BIN)/python $(INSTALL) --constraint constraints.txt --editable .
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/.python
	$(BIN)/python $(INSTALL) --constraint constraints.txt --editable '.[dev]'
	@touch $@ .venv/.core

# Only its data files are read: its own dependencies are too old to live beside ours.
.venv/.oracle: tests/oracle/requirements.txt | .venv/.python
	rm -rf .venv/oracle
	$(BIN)/python $(INSTALL) --no-deps --no-compile --only-binary :all: \
		--target .venv/oracle --requirement tests/oracle/requirements.txt
	@touch $@

.venv-lowest/.test: pyproject.toml tools/lowest.py
	$(call NEW_VENV,.venv-lowest)
	.venv-lowest/bin/python tools/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python $(INSTALL) --constraint .venv-lowest/lowest.txt --editable '.[test]'
	@touch $@
