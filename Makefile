# `make run` starts the service, `make labelstudio` starts it together with a Label Studio to try it in, `make test` checks
# everything. Each sets up what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LABEL_STUDIO_VENV ?= .venv-labelstudio

.PHONY: run labelstudio test lint format clean

run: $(VENV)/installed
	$(BIN)/boundaryclick serve $(if $(PORT),--port $(PORT))

labelstudio: $(VENV)/installed
	PYTHON=$(PYTHON) plugins/labelstudio/install_server.sh $(LABEL_STUDIO_VENV) >/dev/null
	$(BIN)/boundaryclick labelstudio demo --label-studio $(LABEL_STUDIO_VENV)/bin/label-studio $(if $(PORT),--port $(PORT))

test: $(VENV)/installed-test lint
	tests/install_browser.sh
	PYTHON=$(PYTHON) tests/install_label_studio.sh
	$(BIN)/python -m pytest

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(LABEL_STUDIO_VENV) .venv-labelstudio-ml .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/installed-test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@ $(VENV)/installed
