# Everything runs in .venv of this checkout; nothing is installed outside it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
# checkov pins too much to live beside the program.
LINT   := .venv-lint
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup demo test bench closure lint format lock image push clean

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

test: $(READY)  ## Run all tests
	@$(BIN)/python -m pytest

bench: $(READY)  ## Measure the engine, stage by stage, beside sarsen
	@$(BIN)/python -m benchmarks

closure: $(READY)  ## Hold each installed engine against the truth of simulated scenes: make closure [CASES="coast polar"]
	@$(BIN)/python -m benchmarks.closure $(CASES)

$(LINT)/.ready: linters.txt
	@echo "Installing linters of templates and images into $(LINT) (about 350 MB, once)"
	@$(PYTHON) -m venv --clear $(LINT)
	@$(LINT)/bin/python -m pip install --quiet --disable-pip-version-check -r linters.txt
	@touch $@

lint: $(READY) $(LINT)/.ready  ## Run every checker that CI runs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/cfn-lint template.yaml stacks/*.yaml
	@AWS_DEFAULT_REGION=ap-southeast-2 SAM_CLI_TELEMETRY=0 $(BIN)/sam validate --lint
	@$(BIN)/python scripts/lint_state_machine.py
	@$(LINT)/bin/checkov --config-file .checkov.yaml
	@$(LINT)/bin/hadolint containers/rtc/Dockerfile

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

TARGET ?= native
# As the template's parameter of this name; isce3 is built for x86-64 alone.
ARCHITECTURE ?= $(if $(filter isce3,$(TARGET)),X86_64,ARM64)
PLATFORM_ARM64 := linux/arm64
PLATFORM_X86_64 := linux/amd64

image:  ## Build the container image of the burst task: make image [TARGET=isce3] [ARCHITECTURE=X86_64]
	@case "$(TARGET) $(ARCHITECTURE)" in "native ARM64"|"native X86_64"|"isce3 X86_64") ;; \
	    *) echo "TARGET is native, with ARCHITECTURE ARM64 or X86_64, or isce3 with X86_64; not $(TARGET) $(ARCHITECTURE)"; exit 64 ;; esac
	docker build --file containers/rtc/Dockerfile --platform $(PLATFORM_$(ARCHITECTURE)) --target $(TARGET) --tag rtcflow:$(TARGET) .

push: image  ## Push the image to the stack's repository: make push REPOSITORY=<ImageRepositoryUri>
	@test -n "$(REPOSITORY)" || { echo "Say where to: make push REPOSITORY=<ImageRepositoryUri of the stack>"; exit 64; }
	aws ecr get-login-password --region $(word 4,$(subst ., ,$(REPOSITORY))) | docker login --username AWS --password-stdin $(firstword $(subst /, ,$(REPOSITORY)))
	docker tag rtcflow:$(TARGET) $(REPOSITORY):$(TARGET)
	docker push $(REPOSITORY):$(TARGET)

clean:  ## Remove everything that the other targets made
	rm -rf $(VENV) $(LINT) .aws-sam .twin demo-output bench-output .mypy_cache .pytest_cache .ruff_cache
