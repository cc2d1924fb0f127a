# Every command of a day's work: `make` alone lists them.

# Makes a new .venv; one that is there keeps the Python it was made with, until `make distclean`.
PYTHON ?= python3
ARGS ?=
# Of `make bench` and its like; what each of them does by itself is in its file in benchmarks/.
SIZE ?= small
ROUNDS ?=

VENV := .venv
BIN := $(VENV)/bin
# Written last, so that an installation that was killed or that failed leaves none...
RUNTIME := $(VENV)/.runtime-is-installed
DEVELOPMENT := $(VENV)/.development-is-installed
# ... but this, and the next one begins from an empty .venv.
UNFINISHED := $(VENV)/.installation-is-unfinished

PIP_INSTALL := $(BIN)/python -m pip --disable-pip-version-check --no-input install -qq
LOCK := $(BIN)/uv pip compile --quiet --universal --python $(BIN)/python --python-version 3.10 \
	--generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock" --group build $(ARGS)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install run rollback psql dbt docs ui stop test test-faults test-browser test-image \
	bench bench-scale bench-changes bench-sample check format lock clean distclean

# Old spellings on purpose: whatever Python it is must be able to read this.
define CHECK_PYTHON
import sys
found, hint = "%s is Python %d.%d" % ((sys.executable,) + sys.version_info[:2]), "make PYTHON=python3.12 ..."
if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    sys.exit("Towpath runs on Python 3.10 to 3.13, but %s. Name another one: %s" % (found, hint))
try:
    import ensurepip, venv
except ImportError:
    sys.exit("%s, without the modules venv and ensurepip. On Debian and Ubuntu: apt-get install python3-venv" % found)
endef
export CHECK_PYTHON

help: ## list these commands
	@echo "make COMMAND [ARGS='options of the program that it runs'] [PYTHON=python3.12, for a new .venv]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

install: $(RUNTIME) ## install what a run needs into .venv, as locked; the commands below do it themselves

run: $(RUNTIME) ## copy, build, test and publish, or go on where the last run stopped (ARGS='--run-id today-2')
	$(BIN)/luigi --module tasks FullPipeline $(ARGS)

rollback: $(RUNTIME) ## bring back the version that readers saw before the current one
	$(BIN)/luigi --module tasks RollBack $(ARGS)

psql: $(RUNTIME) ## open psql on the destination
	@$(BIN)/python -m tasks psql $(ARGS)

dbt: $(RUNTIME) ## run dbt on the destination (ARGS='show --select film_ratings')
	@$(BIN)/python -m tasks dbt $(ARGS)

docs: $(RUNTIME) ## open the catalogue of models and columns in the browser
	@$(BIN)/python -m tasks docs

ui: $(RUNTIME) ## show runs in the browser, with Luigi's scheduler on 127.0.0.1:8082, until Ctrl-C
	@mkdir -p .towpath
	@echo "http://127.0.0.1:8082 shows the runs that are started with this scheduler, in another terminal by"
	@echo "    LUIGI_CONFIG_PATH=luigid.cfg make run"
	@exec env LUIGI_CONFIG_PATH=luigid.cfg $(BIN)/luigid --address 127.0.0.1 --port 8082 --state-path .towpath/luigid.pickle

stop: ## stop the two embedded servers
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m tasks stop; else echo "nothing to stop: no $(VENV)"; fi

test: $(DEVELOPMENT) ## run the tests (ARGS='tests/unit -k dump')
	$(BIN)/pytest $(ARGS)

test-faults: $(DEVELOPMENT) ## kill it, starve it, lie to it: real faults on real servers (ARGS='-k hangs')
	$(BIN)/pytest tests/faults --numprocesses=auto --dist=worksteal $(ARGS)

test-browser: $(DEVELOPMENT) ## look at a run in a real browser, Chromium (ARGS='-k graph')
	@command -v chromium > /dev/null && command -v chromedriver > /dev/null || \
		{ echo "no chromium and chromedriver on PATH. On Debian: apt-get install chromium chromium-driver" >&2; exit 1; }
	$(BIN)/pytest tests/browser $(ARGS)

test-image: $(DEVELOPMENT) ## run the Dockerfile's commands, without docker, and the job from what they make
	$(BIN)/pytest tests/image $(ARGS)

bench: $(DEVELOPMENT) ## compare a full copy with other ways (SIZE=small, medium, large: 0.1, 1.4, 10 GB; ROUNDS=3)
	$(BIN)/python -m benchmarks.full_copy $(SIZE) $(ROUNDS)

bench-scale: $(DEVELOPMENT) ## copy more and more data, and more and more tables (ARGS='--megabytes 10 100 1000 10000')
	$(BIN)/python -m benchmarks.scale $(ARGS)

bench-changes: $(DEVELOPMENT) ## the next run, when 0, 1, 10, 100 % of the tables have changed (ROUNDS=3)
	$(BIN)/python -m benchmarks.changes $(ROUNDS)

bench-sample: $(DEVELOPMENT) ## compare the small run, from end to end, with a shell script (ROUNDS=5)
	$(BIN)/python -m benchmarks.sample $(ROUNDS)

check: $(DEVELOPMENT) ## check style, types, imports between modules, SQL, and workflows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/sqlfluff lint dbt_models source_db_init benchmarks/dbt
	$(BIN)/sqlfluff lint --templater placeholder tasks/sql benchmarks/sql
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/wish.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@# It does not run on Python 3.10.
	if [ -x $(BIN)/zizmor ]; then $(BIN)/zizmor --offline --quiet .github; fi

format: $(DEVELOPMENT) ## put Python and SQL into the form that `make check` wants
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix dbt_models source_db_init benchmarks/dbt
	$(BIN)/sqlfluff fix --templater placeholder tasks/sql benchmarks/sql

lock: $(DEVELOPMENT) ## write the lock files from setup.cfg (ARGS=--upgrade for the newest versions)
	$(LOCK) --extra dev --output-file requirements-dev.lock setup.cfg
	$(LOCK) --constraint requirements-dev.lock --output-file requirements.lock setup.cfg

clean: ## stop the embedded servers; remove them with their data, artifacts/ and all caches
	@if [ -d .towpath ] && [ -x $(BIN)/python ]; then $(BIN)/python -m tasks stop; fi
	rm -rf .towpath artifacts
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	rm -rf dbt_models/target dbt_models/logs dbt_models/.user.yml
	@find . -path ./$(VENV) -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean ## the same, and remove .venv
	rm -rf $(VENV) build towpath.egg-info

$(RUNTIME): requirements.lock setup.cfg pyproject.toml
	@if [ -e $(UNFINISHED) ] || ! $(BIN)/python -c 'import pip' 2> /dev/null; then \
		command -v $(PYTHON) > /dev/null || { echo "no $(PYTHON) on PATH: make PYTHON=python3.12 ..." >&2; exit 1; }; \
		$(PYTHON) -c "$$CHECK_PYTHON" && $(PYTHON) -m venv --clear $(VENV); \
	fi
	@echo "installing what a run needs into $(VENV) (about 30 s)"
	@touch $(UNFINISHED)
	@$(PIP_INSTALL) --require-hashes --requirement requirements.lock
	@$(PIP_INSTALL) --no-index --no-deps --no-build-isolation --editable .
	@rm $(UNFINISHED) && touch $@

$(DEVELOPMENT): $(RUNTIME) requirements-dev.lock
	@echo "installing what tests and checks need into $(VENV) (about 15 s)"
	@touch $(UNFINISHED)
	@$(PIP_INSTALL) --require-hashes --requirement requirements-dev.lock
	@rm $(UNFINISHED) && touch $@
