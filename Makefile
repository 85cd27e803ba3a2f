# Everything runs in .venv; `make setup` makes it from the hash-locked requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
BENCH_VENV := .venv-bench
BENCH_STAMP := $(BENCH_VENV)/.installed

PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input --progress-bar off
# $(call step,what it is,command): a line when it begins; what the command says, if it fails.
step = echo "  $(1)"; log=$$(mktemp); $(2) >"$$log" 2>&1 || { code=$$?; cat "$$log" >&2; rm -f "$$log"; \
	echo "Setting up failed at step $(1). What is above says why; then run 'make setup' again." >&2; exit $$code; }; rm -f "$$log"

.DEFAULT_GOAL := help
.PHONY: help setup demo test plain fault fleet soak fuzz sanitize lint docs pictures bench benchtest peers lock clean

help:  ## Show what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(STAMP)  ## Make .venv with everything in it

$(STAMP): requirements/dev.txt pyproject.toml pipeline_core/framing/_kernel.c pipeline_core/transform/_ids.c pipeline_core/transform/_ids.h \
		pipeline_core/transform/_sums.c
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' || \
		{ echo "Python's venv module is missing; on Debian: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version):"
	@$(call step,1 of 3: a new environment,$(PYTHON) -m venv $(VENV))
	@$(call step,2 of 3: $$(grep -c '==' requirements/dev.txt) packages; the first time takes minutes,$(PIP) --require-hashes -r requirements/dev.txt)
	@$(call step,3 of 3: the pipeline itself and what of it is compiled,$(PIP) --no-build-isolation --no-deps --editable .)
	@echo "Done: $$($(BIN)/sales-pipeline --version)"
	@touch $@

demo: setup  ## Run the whole job for real on sample archives
	@$(BIN)/sales-pipeline demo

# Half of a test is waiting for others: more at once than there are cores.
AT_ONCE ?= 4

test: setup lint  ## Lint, type-check, and run every test against real servers; AT_ONCE=4
	$(BIN)/python -m pytest --numprocesses $(AT_ONCE) --dist worksteal

plain: setup  ## The tests of what is counted, and on real servers, with nothing compiled; TESTS=tests/e2e
	@rm -rf build/plain && mkdir -p build/plain && git ls-files -z | xargs -0 cp --parents -t build/plain
	cd build/plain && PYTHONPATH=$$PWD ../../$(BIN)/python -m pytest --numprocesses $(AT_ONCE) --dist worksteal \
		$(or $(TESTS),tests/unit tests/property tests/contract tests/integration tests/fuzz)

fault: setup  ## The fault suite, with every crash point, and all that is long elsewhere
	FAULT_ALL=1 $(BIN)/python -m pytest --numprocesses $(AT_ONCE) --dist worksteal tests/fault
	FAULT_ALL=1 $(BIN)/python -m pytest --numprocesses $(AT_ONCE) --dist worksteal -m long \
		tests/contract tests/integration tests/e2e

fleet: setup  ## The fleet suite, on hosts of its own: needs Linux, root, iproute2; prints what a sick host costs
	FLEET_ALL=1 $(BIN)/python -m pytest tests/fleet

soak: setup  ## FAULTS=300 faults at random moments, SEED=1
	$(BIN)/python -m tests.fault.soak --faults $(or $(FAULTS),300) --seed $(or $(SEED),1)

fuzz: setup  ## New examples, archives mutated for SECONDS=600, CASES=1000000 mutated parts and calls, DAYS=100000; SEED=1
	HYPOTHESIS_PROFILE=random $(BIN)/python -m pytest tests/property tests/unit tests/contract/price_history tests/contract/test_returns.py
	$(BIN)/python -m tests.fuzz.run --seconds $(or $(SECONDS),600) --seed $(or $(SEED),1)
	$(BIN)/python -m tests.fuzz.days --cases $(or $(DAYS),100000) --seed $(or $(SEED),1)
	$(BIN)/python -m tests.fuzz.tiers --cases $(or $(CASES),1000000) --seed $(or $(SEED),1)
	$(BIN)/python -m tests.fuzz.recount --cases $(or $(CASES),1000000) --seed $(or $(SEED),1)
	$(BIN)/python -m tests.fuzz.arguments --cases $(or $(CASES),1000000) --seed $(or $(SEED),1)
	$(BIN)/python -m tests.fuzz.edges --cases $(or $(CASES),1000000) --seed $(or $(SEED),1)

sanitize: setup  ## What is compiled, with AddressSanitizer and UBSan: ids, sums, CASES=100000 calls and mutated parts
	@rm -rf build/sanitize && mkdir -p build/sanitize && cp -r pipeline_core tests build/sanitize
	@for module in framing/_kernel transform/_ids transform/_sums; do \
		gcc -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -shared -fPIC \
			-I$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))') \
			pipeline_core/$$module.c \
			-o $$(ls build/sanitize/pipeline_core/$$module.*.so) || exit 1; \
	done
	@cd build/sanitize && export ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc PYTHONPATH=$$PWD \
		LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" && \
	../../$(BIN)/python -m pytest --quiet tests/unit/transform/test_ids.py \
		tests/unit/transform/test_sums.py && \
	../../$(BIN)/python -m tests.fuzz.arguments --cases $(or $(CASES),100000) --seed $(or $(SEED),1) && \
	../../$(BIN)/python -m tests.fuzz.edges --cases $(or $(CASES),100000) --seed $(or $(SEED),1) && \
	../../$(BIN)/python -m tests.fuzz.tiers --cases $(or $(CASES),100000) --seed $(or $(SEED),1)

lint: setup  ## ruff, mypy --strict and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup  ## Write what docs/reference/ has from the code
	$(BIN)/python -m console.reference docs/reference

pictures: setup  ## Take the screenshots in docs/images anew; needs Chromium
	$(BIN)/python -m tests.e2e.photograph docs/images

bench: setup peers  ## Measure this project beside its peers; ARGS="--size large --before COMMIT", ARGS=--help
	$(BIN)/python -m bench $(ARGS)

benchtest: setup  ## Test the benchmark's own longer rounds, on a tiny shop
	$(BIN)/python -m pytest -m benchmark tests/e2e/test_bench.py

# Not a prerequisite by name: without its packages, the benchmark goes on and says what it skips.
peers:
	@$(MAKE) --no-print-directory $(BENCH_STAMP) || \
		echo "The peers could not be installed; they are skipped, or as old as the last time."

$(BENCH_STAMP): requirements/bench.txt
	@echo "Setting up $(BENCH_VENV) ..."
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

lock:  ## Renew requirements/, and uv's versions, from pyproject.toml (needs uv)
	uv pip compile --quiet pyproject.toml $(LOCK) --extra object-store --extra notifications --extra openlineage \
		--output-file requirements/runtime.txt
	uv pip compile --quiet pyproject.toml $(LOCK) --extra object-store --extra notifications --extra openlineage \
		--extra stack --group dev \
		--constraint requirements/runtime.txt --output-file requirements/dev.txt
	uv pip compile --quiet --group pyproject.toml:bench $(LOCK) \
		--constraint requirements/dev.txt --output-file requirements/bench.txt
	printf 'setuptools>=77\n' | uv pip compile --quiet - $(LOCK) \
		--constraint requirements/dev.txt --output-file requirements/build.txt
	$(PYTHON) requirements/constraints.py

# --no-config: the versions of the time before, which stand in pyproject.toml for `uv sync`, bind nothing here.
LOCK := --no-config --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

clean:  ## Remove both .venv, the demo, what was measured, and every cache
	rm -rf $(VENV) $(BENCH_VENV) .demo .bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
