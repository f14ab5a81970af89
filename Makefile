# `make run` sets up and opens the studio; `make test` sets up and runs the whole suite.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test lint setup setup-test screenshots benchmarks clean

run: setup
	@$(BIN)/dprox-studio --or-headless example:plug_and_play

test: setup-test lint
	@sh .ci/suite $(BIN)/python

lint: setup-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(VENV)/installed
setup-test: $(VENV)/installed-test

$(VENV)/bin/python:
	@sh .ci/system-packages $(PYTHON)
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing dprox-studio into $(VENV) (a few minutes the first time) …"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing dprox-studio and its test tools into $(VENV) (a few minutes the first time) …"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@ $(VENV)/installed

screenshots: setup
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m docs.make_screenshots

benchmarks: setup
	$(BIN)/python -m benchmarks.solvers
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.gradients
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m benchmarks.window

clean:
	rm -rf $(VENV) build dist *.egg-info out
