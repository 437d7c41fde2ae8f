# Two commands are all a newcomer needs: `make demo` and `make test`. Each makes .venv first if it is not there.

PYTHON ?= python3
BIN := .venv/bin
ONCE ?=
DEMO_DIR ?= demo-node
PEERS_DIR ?= two-nodes

.PHONY: demo demo-peers test check style bench conformance edc defences spark ray nightly install lock clean

install: .venv/installed

# To run a node takes a third of what its tests take, so the demos wait for no more than that. uv is many times faster than
# pip at this; where it cannot reach a registry that pip is set up for, pip does it. The source is compiled here, for some
# machines have Python write nothing beside it: each process would compile it anew.
UV := uv==0.13.9
.venv/ready: requirements-run.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Python 3.11 or newer is needed: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV) hatchling editables
	$(call locked,requirements-run.lock)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q src
	touch $@

.venv/installed: .venv/ready requirements.lock
	$(call locked,requirements.lock)
	touch $@

locked = $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) || \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)

demo: .venv/ready
	$(BIN)/usufruct demo --dir $(DEMO_DIR) $(if $(ONCE),--once)

# Two nodes: a city negotiates with a hospital group and pulls an answer; both stay, to be looked at on ports 8000 and 8001.
demo-peers: .venv/ready
	$(BIN)/python examples/two_nodes.py $(if $(ONCE),,--keep $(PEERS_DIR))

# As many workers as tests/conftest.py says; who is done takes over what another has not begun. What is skipped says why.
test: style
	$(BIN)/python -m pytest -n auto --dist worksteal -rs

check: style
	$(BIN)/python -m pytest tests/test_tidy.py tests/test_docs.py

style: .venv/installed
	$(BIN)/ruff format --check --quiet src tests bench examples
	$(BIN)/ruff check --quiet src tests bench examples
	$(BIN)/mypy

bench: .venv/installed
	$(BIN)/python -m bench --all

# Outside suites; one line says of each how much passed, or why it was skipped. Some need Go, some Java 17 and Maven.
conformance: .venv/installed
	$(BIN)/python -m pytest tests/conformance --no-header

# A control plane of Eclipse Dataspace Components, from its published artifacts, trades with our node. Java 17 and Maven.
edc: .venv/installed
	$(BIN)/python -m pytest tests/conformance/edc.py -rs --no-header

# Each defence against the attacks of docs/reference/attacks.md is taken out, and a test must then fail.
defences: .venv/installed
	$(BIN)/python -m pytest tests/attacks/defences.py --no-header

# A Spark cluster of this machine, and what it works out beside DuckDB and DataFusion. Needs Java 17.
spark: .venv/installed
	$(call locked,requirements-spark.lock)
	$(BIN)/python -m pytest tests/engines -rs --no-header

# Settlements and valuations on a Ray cluster of two nodes on this machine, beside the ones of this process.
ray: .venv/installed
	$(call locked,requirements-ray.lock)
	$(BIN)/python -m pytest tests/engines/test_ray.py -rs --no-header

# What takes long: the defences; Spark; Ray; EDC; and the node is killed 200 times at random moments, and checked each time.
nightly: defences spark ray edc
	USUFRUCT_KILLS=200 $(BIN)/python -m pytest tests/faults/test_kill.py

# New pins, which name no registry. Spark and Ray are large: who wants one, or tests it, has a lock for it beside the common one.
PINS := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
	--upgrade --quiet
lock:
	$(BIN)/python -m pip install --quiet $(UV)
	$(PINS) $(patsubst %,--extra %,bench classify demo dev pg synth timestamp train work) -o requirements.lock
	$(PINS) --extra demo --constraint requirements.lock -o requirements-run.lock
	$(PINS) --extra spark --constraint requirements.lock -o requirements-spark.lock
	$(PINS) --extra ray --constraint requirements.lock -o requirements-ray.lock

clean:
	rm -rf .venv demo-node two-nodes
