# make inpainting   the inpainting suite: table, figure and page    (PRESET=smoke|quick|full|paper  OUT=FOLDER)
# make faces        a prior of somebody's photos, and a page      (ALBUM=FOLDER  OUT=FOLDER  ARGS="--least_pixels 128")
# make test         the tests                                       (ARGS="-k masks")
# make lint         style and types, as CI demands them
# make wheel        the library alone, built into dist/ and tried in an environment of its own
#
# Each makes the environment that it needs and leaves it alone while pyproject.toml does not change.

PYTHON ?= python3
VENV   ?= .venv
PRESET ?=
OUT    ?=
ARGS   ?=

BIN     := $(VENV)/bin
INSTALL  = $(BIN)/python -m pip install --disable-pip-version-check --quiet --log $(VENV)/install.log

.DELETE_ON_ERROR:
.PHONY: inpainting faces test lint wheel

inpainting: $(VENV)/.installed
	@$(BIN)/python -m benchmarks.run --suite inpainting $(if $(PRESET),--preset $(PRESET)) $(if $(OUT),--out "$(OUT)") $(ARGS)

faces: $(VENV)/.installed
	@test -n "$(ALBUM)" || { echo 'name a folder of photos of one person: make faces ALBUM=FOLDER'; exit 2; }
	@$(BIN)/python -m mystyle.weights faces --bring
	@$(BIN)/python -m mystyle album "$(ALBUM)" --domain faces --out "$(if $(OUT),$(OUT),runs/faces)" $(if $(PRESET),--preset $(PRESET)) $(ARGS)

test: $(VENV)/.installed-test
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile $(ARGS)

lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

wheel: $(VENV)/.installed
	@rm -rf build dist
	@$(BIN)/python -m pip wheel --disable-pip-version-check --quiet --no-deps --wheel-dir dist .
	@$(BIN)/python .ci/check_wheel.py dist/*.whl

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@echo "installing into $(VENV): some minutes the first time, details in $(VENV)/install.log"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) --editable '.[bench]'
	@touch $@

$(VENV)/.installed-%: pyproject.toml $(VENV)/.installed
	@echo "adding what '$*' needs to $(VENV)"
	@$(INSTALL) --editable '.[$*]'
	@touch $@
