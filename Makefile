# Everything runs in .venv of this checkout; nothing is installed outside it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# checkov pins too much to live beside the program.
LINT   := .venv-lint
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup demo test year fuzz bench ecosystem closure lint docs format lock image push lock-image image-test validate check-expressions clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY)  ## Make .venv with everything in it

$(READY): constraints.txt functions/layer/pyproject.toml containers/rtc/pyproject.toml local/pyproject.toml
	@$(PYTHON) scripts/check_python.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (about 1.5 GB, a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
	    -e functions/layer -e containers/rtc -e "local[dev]"
	@echo "Compiling the engine (once)"
	@$(BIN)/python -m rtcflow.native.warm
	@touch $@

demo: $(READY)  ## Run the sample scene through the state machine on the local twin
	@$(BIN)/python -m rtcflow_local.demo

test: $(READY)  ## Run all tests, in random order, on all cores
	@$(BIN)/python -m pytest -n auto --dist loadgroup

year: $(READY)  ## Play whole years of operation on moto: make year [YEARS=3]
	@RTCFLOW_YEARS=$(or $(YEARS),3) $(BIN)/python -m pytest -q tests/unit/rtcflow_campaign/test_operation_year.py

fuzz: $(READY)  ## Read 100,000 damaged inputs: each must end in a result or in one sentence
	@RTCFLOW_FUZZ=100000 $(BIN)/python -m pytest -n auto -q tests/unit/rtcflow/test_fuzz.py

bench: $(READY)  ## Measure the engine beside sarsen, and nine bursts in one task beside one process each
	@$(BIN)/python -m benchmarks
	@$(BIN)/python -m benchmarks.task

closure: $(READY)  ## Hold each installed engine against the truth of simulated scenes: make closure [CASES="coast polar"]
	@$(BIN)/python -m benchmarks.closure $(CASES)

ECOSYSTEM := .venv-ecosystem

$(ECOSYSTEM)/.ready: ecosystem/requirements.txt
	@echo "Installing the newest releases of readers and catalogues into $(ECOSYSTEM) (about 900 MB)"
	@$(PYTHON) -m venv --clear $(ECOSYSTEM)
	@$(ECOSYSTEM)/bin/python -m pip install --quiet --disable-pip-version-check -r ecosystem/requirements.txt
	@touch $@

ecosystem: $(READY) $(ECOSYSTEM)/.ready  ## Open the sample's products in the tools that people have
	@PYTHONPATH=$(CURDIR) $(ECOSYSTEM)/bin/python -m ecosystem

$(LINT)/.ready: linters.txt
	@echo "Installing linters of templates and images into $(LINT) (about 400 MB, once)"
	@$(PYTHON) -m venv --clear $(LINT)
	@$(LINT)/bin/python -m pip install --quiet --disable-pip-version-check -r linters.txt
	@touch $@

lint: $(READY) $(LINT)/.ready  ## Run every checker that CI runs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(LINT)/bin/cfn-lint template.yaml stacks/*.yaml
	@AWS_DEFAULT_REGION=ap-southeast-2 SAM_CLI_TELEMETRY=0 $(BIN)/sam validate --lint
	@$(BIN)/python scripts/lint_state_machine.py
	@$(LINT)/bin/checkov --config-file .checkov.yaml
	@$(LINT)/bin/hadolint containers/rtc/Dockerfile

validate: $(READY)  ## Ask Step Functions whether it takes the state machines; needs AWS credentials
	@$(BIN)/python scripts/validate_definitions.py

check-expressions: $(READY)  ## Evaluate the state machines' expressions on JSONata's reference; needs node and npm
	@scripts/check-expressions

docs: $(READY)  ## Write the tables and pages of the docs that the code says
	@$(BIN)/python scripts/docs_from_code.py

format: $(READY)  ## Format the code
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(READY)  ## Pin every dependency anew in constraints.txt
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	    --no-emit-package rtcflow --no-emit-package rtcflow-layer --no-emit-package rtcflow-local \
	    --upgrade -o constraints.txt requirements.in
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
	    --upgrade -o linters.txt linters.in
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
	    --no-emit-package rtcflow --no-emit-package rtcflow-layer -c constraints.txt \
	    -o containers/rtc/requirements.txt containers/rtc/requirements.in
	@$(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes \
	    --upgrade -o containers/rtc/build.txt containers/rtc/build.in

TARGET ?= native
# As the template's parameter of this name; isce3 is built for x86-64 alone.
ARCHITECTURE ?= $(if $(filter isce3,$(TARGET)),X86_64,ARM64)
PLATFORM_ARM64 := linux/arm64
PLATFORM_X86_64 := linux/amd64
COMMIT = $(shell git rev-parse HEAD)$(if $(shell git status --porcelain --untracked-files=no),.dirty)
# The image's tag: target and commit, as ECR takes them.
TAG = $(TARGET)-$(shell git rev-parse --short=12 HEAD)$(if $(shell git status --porcelain --untracked-files=no),.dirty)
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' containers/rtc/pyproject.toml)
# Digests of the base images, where `make lock-image` has written them.
LOCKED = $(patsubst %,--build-arg %,$(shell grep -v '^\#' containers/rtc/image.lock 2>/dev/null))
# pip's settings, for those behind a proxy or with an index of their own: make image PIP_CONFIG=~/.config/pip/pip.conf
comma := ,
SECRETS = $(if $(PIP_CONFIG),--secret id=pip$(comma)src=$(PIP_CONFIG))

image:  ## Build the container image of the burst task: make image [TARGET=isce3] [ARCHITECTURE=X86_64]
	@case "$(TARGET) $(ARCHITECTURE)" in "native ARM64"|"native X86_64"|"isce3 X86_64") ;; \
	    *) echo "TARGET is native, with ARCHITECTURE ARM64 or X86_64, or isce3 with X86_64; not $(TARGET) $(ARCHITECTURE)"; exit 64 ;; esac
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) BUILDX_NO_DEFAULT_ATTESTATIONS=1 DOCKER_BUILDKIT=1 \
	    docker build --file containers/rtc/Dockerfile --platform $(PLATFORM_$(ARCHITECTURE)) --target $(TARGET) --tag rtcflow:$(TARGET) \
	    --build-arg COMMIT=$(COMMIT) --build-arg VERSION=$(VERSION) $(LOCKED) $(SECRETS) .
	@scripts/image-sbom rtcflow:$(TARGET) image-$(TARGET).cdx.json

.PHONY: repository
repository:
	@test -n "$(REPOSITORY)" || { echo "Say where to: make push REPOSITORY=<ImageRepositoryUri of the stack>"; exit 64; }

push: repository image  ## Build and push the image to the stack's repository: make push REPOSITORY=<ImageRepositoryUri>
	aws ecr get-login-password --region $(word 4,$(subst ., ,$(REPOSITORY))) | docker login --username AWS --password-stdin $(firstword $(subst /, ,$(REPOSITORY)))
	docker tag rtcflow:$(TARGET) $(REPOSITORY):$(TAG)
	docker tag rtcflow:$(TARGET) $(REPOSITORY):$(TARGET)
	docker push $(REPOSITORY):$(TAG)
	docker push $(REPOSITORY):$(TARGET)
	@digest=$$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' $(REPOSITORY):$(TAG) | grep '^$(REPOSITORY)@' | tail -1); \
	    echo "Tag $(TARGET) is this image now. To deploy it by its digest, which no later push moves:"; \
	    echo "    sam deploy --parameter-overrides $(if $(filter isce3,$(TARGET)),Engine=isce3 )$(if $(filter nativeX86_64,$(TARGET)$(ARCHITECTURE)),Architecture=X86_64 )ImageUri=$$digest"

lock-image:  ## Pin base images by digest and the packages of isce3 by checksum; needs docker, a registry and conda-forge
	@scripts/lock-image

image-test: $(READY)  ## Build the image and run it as ECS does, by buildah and podman
	@RTCFLOW_IMAGE_TEST=podman $(BIN)/python -m pytest tests/image

clean:  ## Remove everything that the other targets made
	rm -rf image-*.cdx.json .jsonata $(VENV) $(LINT) $(ECOSYSTEM) .ecosystem .aws-sam .twin demo-output bench-output .mypy_cache .pytest_cache .ruff_cache
