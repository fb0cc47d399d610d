# Everything runs in .venv, which whatever needs it makes first, from the locked requirements.
.DEFAULT_GOAL := help
.PHONY: help run test lint format lock bench soak pictures coverage mutants clean

PYTHON ?= python3
PORT ?= 8000
UV ?= uv
ARGS ?=

BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes
DEVELOPMENT := CLIENTELE_DEVELOPMENT=1
# What the linters ask Django, they ask without anybody's .env and database.
UNATTENDED := $(DEVELOPMENT) ENV_FILE= DATABASE_URL=sqlite:///.cache/lint.sqlite3
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" $(ARGS)

help: ## List what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo
	@echo "  PORT=8000 for run, PYTHON=python3 to make .venv with, ARGS= for the arguments of test, soak, bench and lock"

run: .venv/.installed-run .env ## Serve on http://127.0.0.1:PORT/, with demo data if the database is empty (DEMO=0: users alone)
	@$(DEVELOPMENT) $(BIN)/python manage.py migrate --verbosity 0
	@$(DEVELOPMENT) $(BIN)/python manage.py load_demo --if-empty $(if $(filter 0,$(DEMO)),--users-only)
	@echo
	@echo "Clientele is at http://127.0.0.1:$(PORT)/ until you press Ctrl-C."
	@echo
	@$(DEVELOPMENT) $(BIN)/python manage.py work & worker=$$!; trap 'kill $$worker 2>/dev/null; wait $$worker' EXIT; trap 'exit 130' INT; trap 'exit 143' TERM; \
	$(DEVELOPMENT) DJANGO_RUNSERVER_HIDE_WARNING=true $(BIN)/python manage.py runserver 127.0.0.1:$(PORT)

test: .venv/.installed-test .cache/autumn-1.0/.installed ## Run every test on SQLite, and on PostgreSQL what covers each SQL statement
	@$(BIN)/python bin/run_tests.py $(ARGS)

lint: .venv/.installed-test .cache ## Check format, types, layers, words, templates, migrations
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/lint-imports
	$(BIN)/python bin/check_words.py
	$(UNATTENDED) $(BIN)/python manage.py makemigrations --check --dry-run

format: .venv/.installed-test ## Bring the code into form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## Make the locks anew, keeping versions; ARGS=--upgrade takes the newest
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv, or UV=/path/to/uv"; exit 1; }
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-test.in -o requirements-test.txt
	$(LOCK) --no-deps requirements-autumn-1.0.in -o requirements-autumn-1.0.txt

bench: .venv/.installed-test ## Measure
	@$(DEVELOPMENT) $(BIN)/python -m bench $(ARGS)

soak: .venv/.installed-test .cache/autumn-1.0/.installed ## Run what `make test` leaves out: long tests, ten times the random examples, all on PostgreSQL
	@MORE_EXAMPLES=10 $(BIN)/python bin/run_tests.py -m "soak or sampled or hypothesis" $(ARGS)
	@$(BIN)/python bin/postgresql_cluster.py $(BIN)/python -m pytest --numprocesses auto --dist loadgroup $(ARGS)

pictures: .venv/.installed-test ## Take the pictures in docs anew, of the demo
	@PICTURES=docs/pictures $(BIN)/python -m pytest --quiet -n0 tests/browser/test_pictures.py

coverage: .venv/.installed-test .cache/autumn-1.0/.installed ## Run the tests on SQLite and report the lines and branches they miss
	@$(BIN)/python -m pytest --numprocesses auto --dist loadgroup --cov --cov-report=term --cov-report=html $(ARGS)

mutants: .venv/.installed-test ## Change the rules and formats line by line; the tests must notice each change
	@$(BIN)/mutmut run $(ARGS)
	@$(BIN)/mutmut results

clean: ## Remove what was made, but no data
	rm -rf .venv .cache staticfiles .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.env:
	@printf '%s\n' '# Made by `make run`, for this development machine; .env.example has the rest.' CLIENTELE_DEVELOPMENT=1 >$@

.cache:
	@mkdir -p $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON); name a Python 3.11 or later: make PYTHON=..."; exit 1; }
	@$(PYTHON) bin/check_python.py
	@$(PYTHON) -m venv --clear .venv

.venv/.installed-run: requirements.txt | $(BIN)/python
	@echo "Installing what Clientele needs ..."
	@$(INSTALL) --requirement requirements.txt
	@touch $@

.venv/.installed-test: requirements-test.txt | $(BIN)/python
	@echo "Installing what the tests need ..."
	@$(INSTALL) --requirement requirements-test.txt
	@touch $@

.cache/autumn-1.0/.installed: requirements-autumn-1.0.txt | $(BIN)/python
	@rm -rf $(@D)
	@$(INSTALL) --no-deps --target $(@D) --requirement requirements-autumn-1.0.txt
	@touch $@
