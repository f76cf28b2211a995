# `make lab` opens the course, `make test` proves it. Both set up .venv first, once.
PYTHON ?= python3
DEST   ?= student
LAB    :=
TESTS  := tests notebooks
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# What notebooks are recorded with and compared under: shipped data, one thread, no progress bars, checks that raise.
SETTINGS := CS231N_DATA=mini CS231N_STRICT=1 TQDM_DISABLE=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help setup doctor lab test test-browser student submission mutants run site bench datasets gone

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s  %s\n", $$1, $$2 }' Makefile

setup: $(READY)  ## fill .venv from requirements.txt (again only when that file or constraints.txt changes)

# Made again too when the Python behind it was updated away.
$(READY): requirements.txt constraints.txt $(shell test -x $(BIN)/python || echo gone)
	@command -v "$(PYTHON)" >/dev/null || \
		{ echo "There is no $(PYTHON) here: install Python 3.10 or newer, or name yours: make lab PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" tools/setup_env.py "$(VENV)"
gone:

# Without set-up: it looks into what may be broken, and any Python runs it.
doctor:  ## say what this machine has for the course, what is wrong with it, and the cure
	@python="$(BIN)/python"; "$$python" -c "" 2>/dev/null || python="$(PYTHON)"; "$$python" -m cs231n.doctor

lab: setup  ## build student/ if it is not there, then open JupyterLab (LAB="--port 9000" gives it flags)
	@$(BIN)/python -m tools.lab $(LAB)

student: setup  ## build the student edition into DEST (default student/)
	$(BIN)/python -m tools.editions "$(DEST)"

submission: setup  ## pack what a student hands in, of the edition in DEST, into its submission.zip
	@$(BIN)/python -m cs231n.submission --edition "$(DEST)"

test: setup  ## run every test, the notebooks included (or some: TESTS="tests/test_layers.py -k relu")
	$(SETTINGS) $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder --nbval $(TESTS)

test-browser: setup  ## open the course in JupyterLab, in a Chromium without a window
	@$(BIN)/python -m tools.add_packages tests/browser/requirements.txt
	@$(BIN)/python -m pytest tests/browser

mutants: setup  ## make slips in right answers, and count how many the checks explain
	$(BIN)/python -m tools.mutants

run: setup  ## execute every notebook in place
	$(SETTINGS) $(BIN)/python -m tools.notebooks

site: setup  ## make one searchable site of the executed notebooks, in build/site
	@$(BIN)/python -m tools.site

bench: setup  ## measure the solutions against their bounds
	$(BIN)/python -m benchmarks

datasets: setup  ## rebuild datasets/mini from its sources
	$(BIN)/python -m tools.build_captions
	$(BIN)/python -m tools.paint_styles
	$(BIN)/python -m tools.build_squeezenet
