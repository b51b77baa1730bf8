# Two commands: `make demo` and `make test`. The rest serves them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST_ARGS ?=
# The bundled pyright is the one we mean: do not ask the network for a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS = 1

.PHONY: wheels demo test lint types mypy pyright arrows generated docs pytest versions golden format clean help

help:
	@echo "make demo    compile, migrate and run a real flow on an embedded PostgreSQL"
	@echo "make test    lint, types, import contracts, all tests"
	@echo "make versions the SQL core's tests on PostgreSQL 15, 16 and 18"
	@echo "make golden  regenerate the expected output of the golden tests"
	@echo "make docs    build the documentation into build/site"
	@echo "make wheels  build both distributions into dist: pgflow-gen, and pgflow-runtime for images of workers"
	@echo "make format  let ruff format the code"
	@echo "make clean   remove the virtual environment and all caches"

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing pgflow-gen into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=24"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@touch $@

demo: $(STAMP)
	@$(BIN)/python scripts/demo.py

# What takes longest begins first, on two processors; what each has to say stays together.
test: $(STAMP)
	@$(MAKE) --no-print-directory --jobs 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync) mypy pyright docs generated lint arrows
	@$(MAKE) --no-print-directory pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python scripts/async_to_sync.py --check
	$(BIN)/python scripts/core_migration.py --check
	$(BIN)/squawk sql/pgflow_sql/schema/*/*.sql sql/pgflow_sql/migrations/*.sql

types: mypy pyright

mypy: $(STAMP)
	$(BIN)/mypy

pyright: $(STAMP)
	$(BIN)/pyright --warnings --pythonpath $(BIN)/python

arrows: $(STAMP)
	$(BIN)/lint-imports

generated: $(STAMP)
	$(BIN)/pgflow-gen build --check

docs: $(STAMP)
	$(BIN)/python scripts/reference_pages.py --check
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# Half of the tests' time is waiting for processes, so two processors have three at a time. They start commands by
# the thousand: none of these compiles our modules anew, though the environment may forbid Python to keep bytecode.
pytest: $(STAMP)
	@$(BIN)/python -m compileall -q pgflow_gen runtime sql
	$(BIN)/pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder $(PYTEST_ARGS)

versions: $(STAMP)
	$(BIN)/python scripts/test_versions.py

golden: $(STAMP)
	$(BIN)/pytest tests/golden --regenerate

wheels: $(STAMP)
	@rm -rf dist
	@for source in . ./runtime; do \
	  $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir dist $$source || exit 1; \
	done; ls dist

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
