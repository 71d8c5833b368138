# make demo   answer the sample questions with speech
# make talk   talk with microphone and speaker
# make web    talk in the browser
# make test   run the tests
# make check  what has to pass before a change lands: lint, types, imports, test
# All set up .venv first, once. TORCH_INDEX=URL names the index to take PyTorch from.

VENV ?= .venv
PYTHON ?=
TORCH_INDEX ?=
BIN := $(VENV)/bin
SETUP := VENV="$(VENV)" PYTHON="$(PYTHON)" TORCH_INDEX="$(TORCH_INDEX)" tools/setup.sh

.PHONY: demo talk web test coverage lint format types imports check clean

demo: $(VENV)/.ready
	$(BIN)/antiphon weights fetch >/dev/null
	$(BIN)/antiphon ask assets/questions/*.wav --out reply.wav

talk: $(VENV)/.ready-talk
	$(BIN)/antiphon talk

web: $(VENV)/.ready
	$(BIN)/antiphon weights fetch >/dev/null
	$(BIN)/antiphon weights fetch silero-vad smart-turn minilm-l6 >/dev/null # turns and the lamp
	$(BIN)/antiphon serve --realtime --web --open

# What only computes shares the cores, by file; what keeps time or talks to others waits most of its
# time, so two of it run at once.
COMPUTES := $(addprefix tests/antiphon/,compute evaluation llm recognition s2t t2c text tools training) \
	tests/antiphon_codecs

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest --numprocesses=logical --maxprocesses=4 --dist=loadfile $(COMPUTES)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile $(COMPUTES:%=--ignore=%)

coverage: $(VENV)/.ready-dev
	$(BIN)/python -m pytest --cov --cov-report=term

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.ready-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/.ready-dev
	$(BIN)/mypy

imports: $(VENV)/.ready-dev
	$(BIN)/lint-imports

check: lint types imports test

clean:
	rm -rf $(VENV) build dist .*_cache .hypothesis

# The stamps are older than pyproject.toml after every change of the dependencies.
$(VENV)/.ready: pyproject.toml tools/setup.sh
	$(SETUP)
	touch $@

$(VENV)/.ready-talk: pyproject.toml tools/setup.sh
	$(SETUP) aec
	touch $(VENV)/.ready $@

$(VENV)/.ready-dev: pyproject.toml tools/setup.sh
	$(SETUP) train,eval,aec,dev
	touch $(VENV)/.ready $(VENV)/.ready-talk $@
