# One word each. Needs make and Python 3.11 or later; everything else goes into .venv.

VENV ?= .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Each of the processes that tests start would compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

# The first that really starts, is new enough and can make an environment: a version manager's
# python3.11 may be an empty shell. The system's comes first: distributions build theirs with
# profile-guided optimization, which makes the exchange and its tests a fifth faster.
PYTHON ?= $(shell for p in /usr/bin/python3.11 python3.11 python3; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	echo $$p && break; done)

# A client that tests/kalshi runs. It names exact versions of libraries of which we have others, and
# works with those: so it comes without its own, and what it needs of them is among ours.
CCXT := ccxt==4.5.90

# Stamps remember what was installed, so that the second run starts at once.
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

.DEFAULT_GOAL := help
.PHONY: help run install check test coverage sabotage oracle replay contract build-check image-check class crash failover soak abuse bench fmt lock clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(RUNTIME) ## start a living exchange on http://127.0.0.1:8000: markets, house bots
	$(BIN)/predmarket serve --demo

install: $(DEV) ## everything that development needs, into .venv

# The tests of the code as text and of the tools: in one process, which parses everything once.
OF_THE_CODE := tests/tools tests/test_structure.py

check: $(DEV) ## format, lint, types, import contracts, banned calls, the order of code and tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/banned_calls.py
	$(BIN)/pytest -q $(OF_THE_CODE)

# One more than there are processors: tests wait as much as they work.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)

# Tests make and remove hundreds of databases: in memory, where there is plenty of it. Servers run as
# another user there when the tests run as root.
SHM := $(shell [ "$$(df -Pk /dev/shm 2>/dev/null | awk 'END {print ($$4 > 4000000)}')" = 1 ] && \
	! grep -q ' /dev/shm .*noexec' /proc/mounts && echo /dev/shm)
SCRATCH ?= $(or $(SHM),$(TMPDIR),/tmp)

# The check takes one processor and the tests wait now and then, so both run at the same time. The
# output of the check comes at the end, in one piece.
test: $(DEV) ## all that a change must pass: check, and the tests on real servers
	@scratch=$$(mktemp -d $(SCRATCH)/predmarket.XXXXXX); chmod 1777 $$scratch; \
	$(MAKE) --no-print-directory check >$$scratch/check 2>&1 & check=$$!; \
	trap 'kill $$check 2>/dev/null; rm -rf $$scratch' EXIT; \
	TMPDIR=$$scratch $(BIN)/pytest -n $(WORKERS) --dist worksteal $(OF_THE_CODE:%=--ignore=%); tests=$$?; \
	wait $$check; checked=$$?; \
	cat $$scratch/check; \
	if [ $$checked -ne 0 ]; then echo "make check failed: see above"; exit $$checked; fi; \
	exit $$tests

coverage: $(DEV) ## lines and branches that the tests reach: text, JSON, HTML in build/coverage
	rm -rf build/coverage
	$(BIN)/coverage run -m pytest -n $(WORKERS) --dist worksteal; tests=$$?; \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage json --quiet --fail-under 0 && \
	$(BIN)/coverage html --quiet --fail-under 0 && \
	{ $(BIN)/coverage report >build/coverage/report.txt; floor=$$?; }; \
	cat build/coverage/report.txt; \
	if [ $$tests -ne 0 ]; then exit $$tests; fi; \
	exit $${floor:-1}

sabotage: $(DEV) ## make each deliberate mistake and see its test catch it
	$(BIN)/python -m tools.sabotage $(NAME)

oracle: $(DEV) ## COMMANDS (1 million) random commands against the reference exchange
	$(BIN)/python -m tests.engine.differential --commands $(or $(COMMANDS),1000000)

replay: $(DEV) ## COMMANDS (20 000) of one journal on PYTHONS (3.11 3.13), under three hash seeds
	$(BIN)/python -m tests.engine.replay_campaign --commands $(or $(COMMANDS),20000) $(PYTHONS:%=--python %)

contract: $(DEV) ## the API against the reference and its own document, EXAMPLES (200) of each
	PREDMARKET_TEST_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/pytest tests/conformance
	$(BIN)/python -m tests.conformance --examples $(or $(EXAMPLES),200)

build-check: $(DEV) ## wheel and sdist, checked and installed apart; DIST=folder keeps them
	$(BIN)/python -m tests.deployment.package $(DIST)

image-check: $(DEV) ## the Dockerfile's steps without Docker, in an environment of their own
	$(BIN)/python -m tests.deployment.image

class: $(DEV) ## walk docs/class.md with STUDENTS (30) terminals, on SQLite and PostgreSQL
	$(BIN)/python -m tests.classroom --students $(or $(STUDENTS),30)

crash: $(DEV) ## SIGKILL under load, KILLS (100) times on each database and on a fleet
	$(BIN)/python -m tests.crash --kills $(or $(KILLS),100)

failover: $(DEV) ## FAULTS (200) on a fleet whose PostgreSQL fails over to a standby
	$(BIN)/python -m tests.failover --faults $(or $(FAULTS),200)

soak: $(DEV) ## trade for MINUTES (60) on each database beside random scenarios; 0: those, for ever
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),60)

abuse: $(DEV) ## attacks on a running exchange, each beside a victim; NAME=attack for one
	$(BIN)/python -m tests.abuse $(NAME)

bench: $(DEV) ## the table of measures; NAME=row for one row
	$(BIN)/python -m benchmarks $(NAME)

fmt: $(DEV) ## format, and mend what lint can mend
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: ## resolve the ranges of pyproject.toml anew and write constraints.txt
	@test -n "$(PYTHON)" || { echo "needs Python 3.11 or later" >&2; exit 2; }
	$(PYTHON) tools/lock.py

clean: ## remove what the tools leave behind, the virtual environment included
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "needs Python 3.11 or later" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet -c constraints.txt -e .
	@touch $@

# Holds the runtime too, so it stamps both.
$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev,keyring]'
	$(BIN)/pip install --quiet --no-deps $(CCXT)
	@touch $(RUNTIME) $@
