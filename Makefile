# Two commands set everything up: `make run` and `make test`. See README.md.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python

.PHONY: run demo test bench torture load lint words shots pictures setup setup-dev

setup:
	@$(PYTHON) tools/setup.py

setup-dev:
	@$(PYTHON) tools/setup.py --dev

run: setup
	@$(PY) run.py

demo: setup
	@CRM_DATABASE_URL="$${CRM_DATABASE_URL:-sqlite:///instance/demo.db}" $(PY) tools/demo.py

test: setup-dev
	@$(PY) tools/check.py

lint: setup-dev
	@$(PY) tools/check.py lint

bench: setup-dev
	@$(PY) -m tests.load.bench

torture: setup-dev
	@$(PY) tools/check.py torture

load: setup-dev
	@$(PY) -m tests.load.office

words: setup-dev
	@$(PY) tools/words.py

shots: setup-dev
	@$(PY) tools/shots.py

pictures: setup-dev
	@$(PY) tools/shots.py manual
