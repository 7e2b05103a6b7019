# Two commands need nothing but this checkout, make and one of PYTHONS:
#   make demo    the whole experiment on drawn streets
#   make test    the tests

# Of a new run; one that is there knows its own. Neither of both: demo, in runs/demo.
PRESET ?=
RUN    ?=
# Roots of the raw data; empty = those of the preset, or drawn streets.
SOURCE ?=
TARGET ?=
# Settings, e.g. SET="seed=1 segmenter.steps=500".
SET    ?=
# The arms of `compare`, instead of the preset's; for demo, camvid_to_idd, idd_to_camvid.
ARMS   ?= ["source_only", "adabn", "adapted:color", "adapted:fourier", "adapted:cut", \
	"adapted:cycada", "adapted:cyclegan", "mixed:cyclegan", "label_safe:cyclegan", \
	"self_training", "self_training:fourier", "self_training:cyclegan", "oracle"]
# Tasks of `demo` that are done at once, with the same numbers; on 2 cores two of them take
# a quarter less time than one after the other.
JOBS   ?= 2
# What `ablate` changes.
ROWS   ?= student_report

VENV := .venv
BIN  := $(VENV)/bin
I2I   = $(BIN)/i2i-keras
# UV= does without uv.
UV   ?= $(shell command -v uv 2>/dev/null)
# Those that there is a TensorFlow for: 2.15 for the first two, 2.21 for the others.
PYTHONS := 3.11 3.10 3.12 3.13
# The first one that there is; PYTHON=... overrides.
PYTHON ?= $(shell for python in $(PYTHONS:%=python%) python3 python; do \
	$$python -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] not in sys.argv)' $(PYTHONS) \
	>/dev/null 2>&1 && echo $$python && break; done)
# A setting begins at each `name=` after a space, so that values may hold spaces.
SETS  = $(if $(SET),--set '$(shell printf '%s' '$(strip $(SET))' | \
	sed -E "s/ +([a-z][a-z_0-9.]*=)/' --set '\1/g")')
# Paths may hold spaces; in quotes a shell leaves ~ as it is.
path  = '$(patsubst ~/%,$(HOME)/%,$(1))'
ROOTS = $(if $(SOURCE),--source $(call path,$(SOURCE))) $(if $(TARGET),--target $(call path,$(TARGET)))
OPTIONS = $(strip $(if $(PRESET),--preset $(call path,$(PRESET))) \
	$(if $(RUN),--run $(call path,$(RUN))) $(ROOTS) $(SETS))
FOLDER  = $(or $(RUN),runs/$(basename $(notdir $(or $(PRESET),demo))))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo run compare streets audit prepare train-translator translate train-segmenter \
	evaluate report tensorboard ablate data translator translated segmenters scores ablation \
	install test test-fast test-all lint types notebooks docs bench check audit-deps clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: install ## Run the whole experiment on drawn streets (10 minutes on 2 cores)
	$(I2I) run --preset demo --run runs/demo --jobs $(JOBS)

run: install ## Run the whole experiment of PRESET, into RUN
	$(I2I) run $(OPTIONS)

compare: install ## The fuller table: PRESET with all ARMS, on top of what RUN holds
	$(I2I) run $(OPTIONS) --set 'arms=$(strip $(ARMS))'

streets: install ## Draw labelled streets in the layouts of Cityscapes and GTA5
	$(I2I) streets $(OPTIONS)

audit: $(if $(and $(ROOT),$(FORMAT)),install) ## Look for what is wrong with the data set at ROOT of FORMAT
ifeq ($(and $(ROOT),$(FORMAT)),)
	@echo "Say which data set: make audit ROOT=/data/gta5 FORMAT=gta5" >&2; exit 2
else
	$(I2I) audit $(call path,$(ROOT)) --format '$(FORMAT)'
endif

prepare: install ## Align labels, resize, write records of both domains
	$(I2I) prepare $(OPTIONS)

train-translator: install ## Train the translators on the images of both domains
	$(I2I) train-translator $(OPTIONS)

translate: install ## Translate the labelled source, its labels kept
	$(I2I) translate $(OPTIONS)

train-segmenter: install ## Train the segmenter of each arm
	$(I2I) train-segmenter $(OPTIONS)

evaluate: install ## Score all arms on the target's test images
	$(I2I) evaluate $(OPTIONS)

report: install ## Write the report page
	$(I2I) report $(OPTIONS)

tensorboard: install ## Show RUN's trainings as curves, also while they run
	$(BIN)/tensorboard --logdir '$(FOLDER)'

ablate: install ## Change one setting of PRESET after the other (an hour or two)
	$(I2I) ablate --preset $(call path,$(or $(PRESET),demo)) --rows $(call path,$(ROWS)) $(ROOTS) $(SETS)

# What targets were called before each had the name of its command; for one more
# release.
NEW_data := prepare
NEW_translator := train-translator
NEW_translated := translate
NEW_segmenters := train-segmenter
NEW_scores := evaluate
NEW_ablation := ablate
data translator translated segmenters scores ablation:
	@echo "make $@ is called make $(NEW_$@) now." >&2
	@$(MAKE) $(NEW_$@)

install: $(VENV)/run.stamp

test: $(VENV)/test.stamp ## Run the tests (20 minutes on 2 cores)
	$(BIN)/pytest -n 2 --dist loadfile

# Folders whose tests are quick, but for those that tests/conftest.py marks.
FAST := data datasets preparation report run_folder experiment/plan test_config.py
test-fast: $(VENV)/test.stamp ## Run a third of the tests: no training, no graphs (a minute on 2 cores)
	$(BIN)/pytest -n auto --dist loadfile -m "not heavy" $(FAST:%=tests/%)

test-all: $(VENV)/test.stamp ## Run the slow tests too
	$(BIN)/pytest -n 2 --dist loadfile -m "" --timeout 3600

# Not of tests/, whose misspellings are meant.
READ := README.md CONTRIBUTING.md SECURITY.md CHANGELOG.md Makefile setup.cfg docs notebooks \
	i2i_keras benchmarks findings
lint: $(VENV)/dev.stamp ## Check style, spelling, import direction and notebooks' outputs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell $(READ)
	$(BIN)/lint-imports
	$(BIN)/nbstripout --verify notebooks/*.ipynb

types: $(VENV)/dev.stamp ## Check types
	$(BIN)/mypy

notebooks: $(VENV)/notebooks.stamp ## Run the notebooks on RUN, into RUN/notebooks
	@test -f '$(FOLDER)/report/index.html' || \
		{ echo "$(FOLDER) is not finished; make run RUN='$(FOLDER)' first." >&2; exit 1; }
	for notebook in notebooks/*.ipynb; do \
		I2I_RUN="$$(cd '$(FOLDER)' && pwd)" I2I_STEPS=200 TF_CPP_MIN_LOG_LEVEL=3 \
			TQDM_DISABLE=1 $(BIN)/jupyter nbconvert --to html --execute \
			--output-dir '$(FOLDER)/notebooks' $$notebook || exit 1; \
	done

docs: $(VENV)/docs.stamp gallery ## Build the site of docs/, its gallery from RUN or a short run
	$(BIN)/sphinx-build -E -W --keep-going --quiet -d build/doctrees docs build/docs
	@echo "Open build/docs/index.html."

# The notebooks as they ran on a finished run: RUN, or one of few steps, which takes
# some minutes and whose numbers mean nothing.
GALLERY := $(if $(RUN),$(FOLDER),build/short-run)
PAGES   := $(patsubst notebooks/%.ipynb,docs/gallery/%.md,$(wildcard notebooks/*.ipynb))
.PHONY: gallery
gallery: $(PAGES)

build/short-run/report/index.html: | $(VENV)/docs.stamp
	$(I2I) run --preset demo --run build/short-run $(SHORT:%=--set '%')
SHORT := arms=["source_only","adapted:cyclegan","oracle"] \
	streets.num_train=40 streets.num_test=12 translator.defaults.steps=90 \
	translator.defaults.checkpoint_every=30 segmenter.steps=60 segmenter.checkpoint_every=20

# Written anew where the run is another one, so that its notebooks are, too.
docs/gallery/run.txt: always $(if $(RUN),,build/short-run/report/index.html)
	@test -f '$(GALLERY)/report/index.html' || \
		{ echo "$(GALLERY) is not finished; make run RUN='$(GALLERY)' first." >&2; exit 1; }
	@mkdir -p docs/gallery
	@{ echo '$(GALLERY)'; cksum < '$(GALLERY)/report/index.html'; } > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
.PHONY: always
always:

docs/gallery/%.md: notebooks/%.ipynb docs/gallery/run.txt | $(VENV)/docs.stamp
	I2I_RUN="$$(cd '$(GALLERY)' && pwd)" I2I_STEPS=$(if $(RUN),600,20) TF_CPP_MIN_LOG_LEVEL=3 \
		TQDM_DISABLE=1 $(BIN)/jupyter nbconvert --to markdown --execute \
		--output-dir docs/gallery $<

bench: $(VENV)/bench.stamp ## Time us beside others and write docs/speed.md (an hour; installs torch)
	$(BIN)/python benchmarks/every.py

check: lint types test ## Everything that CI checks

# Not a part of `check`: it asks a service, and fails without one.
audit-deps: $(VENV)/audit.stamp ## Look for known vulnerabilities of all pinned packages
	$(BIN)/python .ci/audit_deps.py constraints.txt constraints-3.12.txt

clean: ## Remove the environment and caches; runs are kept
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# --- The environment ---

# An environment of another Python than PYTHON= asks for is made anew; without
# PYTHON= it stays as it is.
version_of = $(shell $(1) -c 'import sys; print(sys.version.split()[0])' 2>/dev/null)
ifneq ($(filter command environment,$(firstword $(origin PYTHON))),)
# uv also knows where others are, takes 3.10 for python3.10, and can fetch both.
ASKED := $(or $(call version_of,'$(PYTHON)'),$(if $(UV),$(or \
	$(call version_of,$(shell $(UV) python find '$(PYTHON)' 2>/dev/null)),$(PYTHON:python%=%))))
FOUND := $(if $(wildcard $(VENV)/pyvenv.cfg),$(or $(call version_of,$(BIN)/python),none))
ifeq ($(filter $(PYTHONS) $(PYTHONS:%=%.%),$(ASKED)),)
$(VENV)/pyvenv.cfg: wrong-python
else ifneq ($(filter-out $(ASKED) $(ASKED).%,$(FOUND)),)
$(VENV)/pyvenv.cfg: other-python
endif
endif

.PHONY: wrong-python other-python
wrong-python:
	@echo "PYTHON=$(PYTHON) is $(or $(ASKED),no Python); give one of 3.10 to 3.13." >&2; exit 2

other-python:
	@echo "$(VENV) is of Python $(FOUND); made anew with $(ASKED), as PYTHON= asks."
	@rm -rf $(VENV)

$(VENV)/pyvenv.cfg:
ifneq ($(UV),)
	$(UV) venv --python '$(or $(PYTHON),3.11)' $(VENV)
else ifneq ($(PYTHON),)
	'$(PYTHON)' -m venv $(VENV)
else
	@echo "Python 3.10 to 3.13 is missing; install one, or give PYTHON=/path/to/python3.11." >&2; \
	exit 1
endif

# What `make demo` needs, by hashes.
$(VENV)/run.stamp: $(VENV)/pyvenv.cfg setup.cfg pyproject.toml lock.txt lock-3.12.txt
	$(INSTALL) --quiet --require-hashes --requirement $(LOCK)
	$(INSTALL) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Each stamp is an environment with what its targets need on top of the first.
$(VENV)/%.stamp: $(VENV)/pyvenv.cfg setup.cfg pyproject.toml constraints.txt constraints-3.12.txt
	$(INSTALL) --quiet --constraint $(CONSTRAINTS) --editable '.$(EXTRA_$*)'
	@touch $@

# What CI needs, at once: each call takes its time to find out what fits together.
$(VENV)/check.stamp: $(VENV)/pyvenv.cfg setup.cfg pyproject.toml constraints.txt constraints-3.12.txt
	$(INSTALL) --quiet --constraint $(CONSTRAINTS) --editable '.[dev,docs,test]'
	@touch $(VENV)/dev.stamp $(VENV)/docs.stamp $(VENV)/test.stamp $@

INSTALL = $(if $(UV),$(UV) pip install --python $(BIN)/python,$(BIN)/python -m pip install)
# Expanded when they are needed, when the environment is there.
OF_STACK = $(if $(filter 3.10.% 3.11.%,$(call version_of,$(BIN)/python)),,-3.12)
CONSTRAINTS = constraints$(OF_STACK).txt
LOCK = lock$(OF_STACK).txt

EXTRA_test      := [test]
EXTRA_audit     := [audit]
EXTRA_notebooks := [notebooks]
EXTRA_dev       := [dev]
EXTRA_docs      := [docs]
EXTRA_bench     := [bench,onnx]
