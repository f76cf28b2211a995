# `make lab` opens the course, `make test` proves it. Both set up .venv first, once.
PYTHON ?= python3
DEST   ?= student
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# What notebooks are recorded with and compared under: shipped data, one thread, no progress bars, checks that raise.
SETTINGS := CS231N_DATA=mini CS231N_STRICT=1 TQDM_DISABLE=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help setup lab test student run bench datasets

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /make \1 : /p' $(MAKEFILE_LIST) | column -t -s:

setup: $(READY)  ## fill .venv from requirements.txt (again only when that file changes)

$(READY): requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

lab: setup  ## build student/ if it is not there, then open JupyterLab
	@test -e student || $(BIN)/python -m tools.editions student
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab

student: setup  ## build the student edition into DEST (default student/)
	$(BIN)/python -m tools.editions "$(DEST)"

test: setup  ## run every test, the notebooks included
	$(SETTINGS) $(BIN)/python -m pytest -n 2 --dist loadfile --nbval tests notebooks

run: setup  ## execute every notebook in place, and write readable pages into build/html
	$(SETTINGS) $(BIN)/python -m tools.notebooks

bench: setup  ## measure the solutions against their bounds
	$(BIN)/python -m benchmarks

datasets: setup  ## rebuild datasets/mini from its sources
	$(BIN)/python -m tools.build_captions
	$(BIN)/python -m tools.paint_styles
	$(BIN)/python -m tools.build_squeezenet
