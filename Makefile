# Every command a person needs. A newcomer needs two: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := instrumentation exporter alertmanager grafana prometheus examples local demo tests benchmarks
.DEFAULT_GOAL := check
# Where `make tools` puts a library that a small system lacks.
export LD_LIBRARY_PATH := $(CURDIR)/.tools/usr/lib$(if $(LD_LIBRARY_PATH),:$(LD_LIBRARY_PATH))

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

check: lint test ## everything that CI checks but the slow tests

setup: .venv/.ready ## the virtual environment with everything in it
.venv/.ready: pyproject.toml constraints.txt
	@echo "setting up .venv: a minute or more, once"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --upgrade pip
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[all]' --group dev
	@touch $@

tools: setup ## Prometheus, Alertmanager, Pushgateway, promtool and amtool: found, or unpacked into .tools/
	@$(BIN)/python -m recwatch_local tools

demo: tools ## the main job on real data, live; ONCE=1 ends by itself
	@$(BIN)/python -m recwatch_demo $(if $(ONCE),--once)

up: tools ## the stack, without docker; Ctrl-C stops it
	@$(BIN)/python -m recwatch_local up

reload: tools ## what you changed is checked, then read by the stack of `make up`
	@$(BIN)/python -m recwatch_local reload

down: setup ## stop a stack that `make up` started elsewhere
	@$(BIN)/python -m recwatch_local down

test: tools ## all tests but the slow ones
	$(BIN)/pytest -m 'not all' --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test-all: tools ## the slow ones: kills, browsers, containers
	$(BIN)/pytest -m all

lint: tools ## format, style, types, rules, dashboards
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/python -m recwatch_local check
	$(BIN)/recwatch-dashboards --check
	$(BIN)/recwatch-rules table --check
	$(BIN)/recwatch-rules operator --check
	$(BIN)/python -m recwatch_exporter.checks.pages docs --check

format: setup ## rewrite the code in the project's format
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

generate: setup ## the files that are made from others: dashboards, tables in docs/, objects for the operator
	$(BIN)/recwatch-dashboards
	$(BIN)/recwatch-rules table
	$(BIN)/recwatch-rules operator
	$(BIN)/python -m recwatch_exporter.checks.pages docs

bench: setup ## what recwatch costs, as ratios measured in one run
	$(BIN)/python -m benchmarks

calibrate: setup ## false alarms and power of every check type, measured; writes docs/calibration.md (half an hour)
	$(BIN)/python -m benchmarks.calibration --write

clean: ## remove what was installed and built here; your artifacts, data and secrets stay
	rm -rf .venv .tools .run demo/timeline.json demo/timeline.png .mypy_cache .ruff_cache .pytest_cache dist

.PHONY: help check setup tools demo up reload down test test-all lint format generate bench calibrate clean
