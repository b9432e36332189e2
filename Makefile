# make lab · make quick · make test · make full · make docs · make notebooks · make slides · make bench
# Each makes .venv and installs what it needs first, unless that is done already.
#   make quick                                 style, and every test under half a second: while you work
#   make test                                  make quick, and a fixed part of the rest: before you ask for a review
#   make full                                  every test, every notebook, the whole browser: every night
#   make docs                                  the site, in build/site/html, and what the pages say: tour, examples
#   make lab ARGS="--no-browser --port 8890"   options for JupyterLab
#   make lab FRESH=06                          begins your copy of chapter 06 anew, and keeps the old one
#   make slides CHAPTER=06                     a deck of the chapter's pictures, in slides/; without CHAPTER, all decks
#   make test WITH=peers                       with the comparison to zennit and TorchRay
#   make lab PYTHON=python3.12                 which Python makes a new .venv
#   make lab TORCH=cpu                         on Linux: torch without CUDA's libraries, which need an NVIDIA GPU
#   make units                                 all unit tests and oracles: the first part of make full
#   make offline                               JupyterLab, all notebooks and make units with loopback alone (Linux)
#   make newest PYTHON=python3.13              make units in a new .venv-newest, with the newest of all packages
# Works with GNU make from 3.81 on (macOS); on Windows it needs the sh that comes with Git.

WITH ?= test
VENV := .venv
ifeq ($(OS),Windows_NT)
PYTHON ?= python
PY := $(VENV)/Scripts/python
else
PYTHON ?= python3
PY := $(VENV)/bin/python
LINUX := $(filter Linux,$(shell uname -s))
endif

# Only on Linux has the torch of pip CUDA's libraries in it. uv knows where the build without them lies.
CPU_BUILD := $(if $(LINUX),$(if $(filter cpu,$(TORCH)),yes))
ifneq ($(filter-out cpu,$(TORCH)),)
$(error TORCH=$(TORCH) is not known: TORCH=cpu is, or leave it out)
endif
ifeq ($(CPU_BUILD) $(MAKECMDGOALS),yes lab)
KEPT := == $(VENV) keeps torch with CUDA's libraries: for the CPU build, delete $(VENV), then run make again
$(if $(wildcard $(VENV)/lib/python3*/*/nvidia),$(info $(KEPT)))
endif
HAS_TORCH := $(PY) -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)'
HAS_DRIVER := $(if $(LINUX),{ test -e /proc/driver/nvidia || command -v nvidia-smi >/dev/null; },true)

# OpenMP's threads must not spin while they wait: on a busy two-core laptop that costs a factor of thirty.
export OMP_WAIT_POLICY := PASSIVE
# Some container images set this. Then each kernel, and the tests start hundreds, compiles the course anew.
unexport PYTHONDONTWRITEBYTECODE

# Tests and notebooks compute with half of two cores, so two run side by side, each in a process of its own.
TWO := -n 2
# A browser waits for pages a third of its time, so here a third one fills the gaps. Each notebook, each file is one's;
# the browser's come first, since the longest is among them.
THREE := -n 3 --dist loadscope --no-loadscope-reorder
# A notebook's last tests, in the kernel that ran its cells: its figures show what is kept; each control does something.
LAX := --nbval-lax --nbval-current-env --nbval-cell-timeout=300 -p tests.notebooks.controls -p tests.notebooks.digest

WANTED_lab := .
WANTED_slides := .[slides]
WANTED_test := .[docs,test]
WANTED_peers := .[docs,test,peers]
# Whoever has the larger set has the smaller ones.
GIVES_lab := $(VENV)/u3lab-lab
GIVES_slides := $(GIVES_lab) $(VENV)/u3lab-slides
GIVES_test := $(GIVES_slides) $(VENV)/u3lab-test
GIVES_peers := $(GIVES_test) $(VENV)/u3lab-peers
STAMPS := $(VENV)/u3lab-lab $(VENV)/u3lab-slides $(VENV)/u3lab-test $(VENV)/u3lab-peers

# Stamps count only while $(VENV) runs, was finished, and the folder is still where it was installed from.
SOUND := $(shell $(PY) -c pass 2>/dev/null && test ! -e $(VENV)/u3lab-unfinished \
	&& test "$$(cat $(VENV)/u3lab-folder 2>/dev/null)" = "$(CURDIR)" && echo yes)

.PHONY: help lab quick gate test units full newest offline docs notebooks slides bench venv again

help:
	@sed -n '1,/^$$/s/^# //p' Makefile

lab: $(VENV)/u3lab-lab
	$(PY) -m u3lab start $(addprefix --fresh=,$(FRESH)) -- $(ARGS)

quick units gate: $(VENV)/u3lab-$(WITH)
	@echo "== style"
	$(PY) -m ruff check .
	@echo "== unit tests, and oracles: the same numbers as other libraries"
	$(PY) -m pytest $(TWO) --dist worksteal --durations=10 $(ONLY_$@) tests evidence --ignore=tests/browser
ONLY_quick := -m "not slow"
ONLY_gate := -m "not slow or gate"

test: gate
	@echo "== some notebooks, top to bottom; beside them, a browser"
	$(PY) -m pytest $(THREE) --durations=10 $(LAX) @tests/gate_pages.txt
	@echo "== all passed; make full runs everything"

full: units
	@echo "== notebooks, top to bottom, and then every control from end to end; beside them, a browser"
	$(PY) -m pytest $(THREE) --durations=10 $(LAX) tests/browser notebooks
	@echo "== all passed"

newest:
	@rm -rf .venv-newest
	@$(MAKE) --no-print-directory units VENV=.venv-newest
	@echo "== all passed with the newest versions; .venv-newest can be deleted"

offline: $(VENV)/u3lab-$(WITH)
	$(PY) -m pytest tests/test_loopback.py
	$(PY) tests/loopback.py $(PY) -m pytest $(TWO) --dist loadscope $(LAX) notebooks
	$(PY) tests/loopback.py $(MAKE) --no-print-directory units
	@echo "== all passed without a network"

docs: $(VENV)/u3lab-test
	@echo "== the site"
	$(PY) -m tools.site
	@echo "== README's tour, links, examples in docstrings"
	$(PY) -m pytest $(TWO) tests/test_readme.py tests/u3course/test_teaching.py tests/test_doctests.py

notebooks: $(VENV)/u3lab-lab
	@echo "== running the notebooks and writing them with their outputs"
	$(PY) tools/notebooks.py $(ARGS)

slides: $(VENV)/u3lab-slides
	@echo "== writing decks into slides/"
	$(PY) tools/slides.py $(CHAPTER)

bench: $(VENV)/u3lab-peers
	@echo "== ours and the peers on the same work"
	$(PY) -m evidence.bench $(ARGS)

ifneq ($(SOUND),yes)
$(STAMPS): again
endif

$(VENV)/u3lab-%: pyproject.toml
	@$(MAKE) --no-print-directory venv
	@echo "== installing $(WANTED_$*) into $(VENV) (the first time takes minutes)"
ifeq ($(CPU_BUILD),yes)
	@$(PY) -m pip install uv && $(PY) -m uv pip install --python $(PY) --torch-backend=cpu -e "$(WANTED_$*)" \
		|| { echo "== the CPU build of torch cannot be had (the reason stands above): going on with plain pip"; \
		$(PY) -m pip install -e "$(WANTED_$*)"; }
else
	@$(HAS_TORCH) || $(HAS_DRIVER) || echo "== no NVIDIA driver here: torch downloads 3.0 GB (5.7 on the disk) with" \
		"CUDA's libraries; make lab TORCH=cpu takes 0.2 GB (0.7). Going on."
	$(PY) -m pip install -e "$(WANTED_$*)" \
		|| { echo "== not installed (the reason stands above): make $* needs a network the first time"; exit 1; }
endif
	@rm -f $(VENV)/u3lab-unfinished
	@printf '%s' "$(CURDIR)" > $(VENV)/u3lab-folder
	@touch $(GIVES_$*)

# A $(VENV) that somebody else made is used as it is. One that this file began and could not finish is made anew.
venv:
	@if test ! -e $(VENV)/u3lab-unfinished && $(PY) -c pass 2>/dev/null; then \
		$(PY) -c '$(RECENT)' || { echo "== $(VENV) has a Python older than 3.11: delete it, then run make again"; exit 1; }; \
		$(PY) -m pip --version >/dev/null 2>&1 || $(PY) -m ensurepip; \
	else \
		$(PYTHON) -c '$(RECENT)' 2>/dev/null || { echo "== $(PYTHON) is missing or older than 3.11:" \
			"install Python 3.11 or newer, or name it: make lab PYTHON=python3.12"; exit 1; }; \
		echo "== making $(VENV) with $$($(PYTHON) --version)"; \
		$(PYTHON) -m venv --clear $(VENV) && touch $(VENV)/u3lab-unfinished; \
	fi
RECENT := import sys; sys.exit(sys.version_info < (3, 11))
