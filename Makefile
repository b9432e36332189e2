# make lab · make test · make quick · make docs · make notebooks · make bench
# Each makes .venv and installs what it needs first, unless that is done already.
#   make quick                                 style, unit tests and oracles: the first part of make test
#   make docs                                  README's tour, the links of all pages, the examples in docstrings
#   make lab ARGS="--no-browser --port 8890"   options for JupyterLab
#   make test WITH=peers                       with the comparison to zennit and TorchRay
#   make lab PYTHON=python3.12                 which Python makes a new .venv
# Works with GNU make from 3.81 on (macOS); on Windows it needs the sh that comes with Git.

WITH ?= test
ifeq ($(OS),Windows_NT)
PYTHON ?= python
PY := .venv/Scripts/python
else
PYTHON ?= python3
PY := .venv/bin/python
ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
endif

# OpenMP's threads must not spin while they wait: on a busy two-core laptop that costs a factor of thirty.
export OMP_WAIT_POLICY := PASSIVE

# A lab works without a network: JupyterLab need not ask for news and updates.
OFFLINE := --LabApp.app_settings_dir="$(CURDIR)/tools/jupyterlab"
# A photo of one's own comes to the kernel as one message, and the server drops those over 10 MB unless told otherwise.
LARGE := --ServerApp.tornado_settings="{'websocket_max_message_size': 104857600}"

# Tests and notebooks compute with half of two cores, so two run side by side, each in a process of its own.
TWO := -n 2

WANTED_lab := .
WANTED_test := .[test]
WANTED_peers := .[test,peers]
# Whoever has the larger set has the smaller ones.
GIVES_lab := .venv/u3lab-lab
GIVES_test := $(GIVES_lab) .venv/u3lab-test
GIVES_peers := $(GIVES_test) .venv/u3lab-peers
STAMPS := .venv/u3lab-lab .venv/u3lab-test .venv/u3lab-peers

# Stamps count only while .venv runs, was finished, and the folder is still where it was installed from.
SOUND := $(shell $(PY) -c pass 2>/dev/null && test ! -e .venv/u3lab-unfinished \
	&& test "$$(cat .venv/u3lab-folder 2>/dev/null)" = "$(CURDIR)" && echo yes)

.PHONY: help lab test quick docs notebooks bench venv again

help:
	@sed -n '1,/^$$/s/^# //p' Makefile

lab: .venv/u3lab-lab
	@echo "== JupyterLab at notebooks/00_start_here.ipynb; end it with Ctrl-C twice"
	$(PY) -m jupyterlab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(OFFLINE) $(LARGE) $(ROOT) $(ARGS)

quick: .venv/u3lab-$(WITH)
	@echo "== style"
	$(PY) -m ruff check .
	@echo "== unit tests"
	$(PY) -m pytest $(TWO) --dist worksteal --durations=10 tests $(patsubst %,--ignore=tests/%,oracles browser notebooks)
	@echo "== oracles: the same numbers as other libraries"
	$(PY) -m pytest $(TWO) --durations=10 tests/oracles

docs: .venv/u3lab-test
	@echo "== README's tour, links, examples in docstrings"
	$(PY) -m pytest $(TWO) tests/test_readme.py tests/test_doctests.py

test: quick
	@echo "== notebooks, top to bottom"
	$(PY) -m pytest $(TWO) --dist loadscope --nbval-lax --nbval-current-env --nbval-cell-timeout=300 notebooks
	@echo "== every control of the notebooks, from end to end"
	$(PY) -m pytest $(TWO) tests/notebooks
	@echo "== browser"
	$(PY) -m pytest tests/browser
	@echo "== all passed"

notebooks: .venv/u3lab-lab
	@echo "== running the notebooks and writing them with their outputs"
	$(PY) tools/notebooks.py $(ARGS)

bench: .venv/u3lab-peers
	@echo "== ours and the peers on the same work"
	$(PY) -m tests.bench $(ARGS)

ifneq ($(SOUND),yes)
$(STAMPS): again
endif

.venv/u3lab-%: pyproject.toml
	@$(MAKE) --no-print-directory venv
	@echo "== installing $(WANTED_$*) into .venv (the first time takes minutes)"
	$(PY) -m pip install -e "$(WANTED_$*)"
	@rm -f .venv/u3lab-unfinished
	@printf '%s' "$(CURDIR)" > .venv/u3lab-folder
	@touch $(GIVES_$*)

# A .venv that somebody else made is used as it is. One that this file began and could not finish is made anew.
venv:
	@if test ! -e .venv/u3lab-unfinished && $(PY) -c pass 2>/dev/null; then \
		$(PY) -c '$(RECENT)' || { echo "== .venv has a Python older than 3.11: delete .venv, then run make again"; exit 1; }; \
		$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip; \
	else \
		$(PYTHON) -c '$(RECENT)' 2>/dev/null || { echo "== $(PYTHON) is missing or older than 3.11:" \
			"install Python 3.11 or newer, or name it: make lab PYTHON=python3.12"; exit 1; }; \
		echo "== making .venv with $$($(PYTHON) --version)"; \
		$(PYTHON) -m venv --clear .venv && touch .venv/u3lab-unfinished; \
	fi
RECENT := import sys; sys.exit(sys.version_info < (3, 11))
