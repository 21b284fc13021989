# The verbs of the project. Every target sets up what it needs; nothing is installed outside .venv but the browser.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --no-loadscope-reorder

.PHONY: demo demo-deep test test-quick test-bounds lint bench attack install browser clean

demo: .venv/.installed  ## get MovieLens 100K, train, serve a home page on 127.0.0.1:$(PORT)
	$(BIN)/matinee demo --port $(PORT)

demo-deep: .venv/.installed-deep  ## the same with the sequence model, served if better: installs torch, takes some minutes more
	$(BIN)/matinee demo --port $(PORT) --deep

test: .venv/.installed-dev browser  ## every test, a real browser included
	$(PYTEST)

test-quick: .venv/.installed-dev  ## everything but the browser and the slow statistical and fault tests
	$(PYTEST) -m "not slow and not browser"

test-bounds: .venv/.installed-dev  ## tests of the compiled kernels again, every index checked
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=.numba-bounds $(PYTEST) -m "not slow and not browser" \
		tests/maths tests/surfaces tests/models --ignore tests/models/test_sequence.py

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.installed-dev  ## every benchmark, one after the other
	$(BIN)/matinee bench all

attack: .venv/.installed-dev  ## attacks on the doors, on loopback: what each does to good requests
	$(BIN)/python benchmarks/attack.py

install: .venv/.installed-dev

browser: .venv/.installed-dev
	sh tests/browser/install.sh

.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/.installed-deep: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[deep]'
	touch $@

.venv/.installed-dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,deep,rank,tune,ann,text]'
	touch $@

clean:
	rm -rf .venv .numba-bounds var .pytest_cache .mypy_cache .ruff_cache
