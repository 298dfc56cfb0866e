# The README's commands. Everything is installed into .venv of this checkout.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: run test tables calibrate study atlas docs clean

run: $(VENV)/ready
	$(BIN)/gradmeter run --suite quick
	@echo "The report: $$($(BIN)/gradmeter report)"

test: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q -n auto --dist worksteal

tables: $(VENV)/ready
	$(BIN)/gradmeter list --markdown >docs/estimators.md
	$(BIN)/gradmeter list --matrix --markdown >docs/matrix.md
	$(BIN)/python -m benchmarks.kept_catalogue

calibrate: $(VENV)/ready
	$(BIN)/gradmeter calibrate --quick

study: $(VENV)/ready
	$(BIN)/python -m pytest -q -m study -o faulthandler_timeout=0

# Measures what results/atlas lacks: it goes on where it was stopped.
atlas: $(VENV)/ready
	$(BIN)/gradmeter atlas --store results/atlas --to docs/atlas
	$(BIN)/python docs/decisions.py

docs: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt '.[docs]'
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,asv,parquet,distributed]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
