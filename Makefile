# Everything lives in .venv and .coinshop; nothing but sh, make and Python (or uv) is needed.
.PHONY: run test pages simulate stress drill mutants campaign lint check bench lock venv

python := .venv/bin/python
# Without bytecode every start costs seconds.
unexport PYTHONDONTWRITEBYTECODE
# Settings have no defaults for secrets, and the linters only need them to load.
EXAMPLE := set -a; . ./.env.example; set +a;

run: venv
	@exec $(python) -m coinshop.embedded --end-with-parent

test: venv
	@$(python) -m coinshop.embedded.browser
	@$(python) -m pytest $(ARGS)

# Every page in every language, as a phone and a screen reader meet it. Some minutes.
pages: export PAGES_LANGUAGES = en ar de es id ja pt-br tr
pages: venv
	@$(python) -m coinshop.embedded.browser
	@$(python) -m pytest tests/journeys/test_every_page.py $(ARGS)

# Random people and faults against the real ledger and a model of it: make simulate SEED=1 STEPS=10000
simulate: venv
	@PYTHONPATH=.:tests $(python) -m simulator SEED=$(SEED) STEPS=$(STEPS)

# Opposite movements of everybody at once, for a minute, and no deadlock among them: make stress STRESS_S=600
stress: export STRESS_S ?= 60
stress: venv
	@$(python) -m pytest tests/wallet/test_deadlocks.py -rP

lint: venv
	@$(python) -m ruff format --check --quiet . || { $(python) -m ruff format --diff --quiet .; exit 1; }
	@$(python) -m ruff check --quiet .
	@git ls-files -z 'templates/*.html' | xargs -0 -r .venv/bin/djade --check --target-version 5.2
	@$(EXAMPLE) $(python) -m mypy --no-error-summary .
	@said=$$(.venv/bin/lint-imports --no-logo) || { echo "$$said"; exit 1; }
	@$(EXAMPLE) $(python) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

# Break a real shop while people buy and give, a line for each drill: drills/README.md. ARGS="F01 R05 --seed 7"
drill: venv
	@$(python) -m drills $(ARGS)

# Break the shop's own rules on purpose, and see the drills notice.
mutants: venv
	@$(python) -m drills --mutants $(ARGS)

# The long one, into docs/reliability.md: make campaign SEEDS="1 2 3" SECONDS=120
campaign: venv
	@$(python) -m drills campaign $(SEEDS) $(if $(SECONDS),--seconds $(SECONDS))

check: lint test drill

# How near the ledger comes to what PostgreSQL can do: benchmarks/README.md. ARGS="P1 P5", ARGS=--quick
bench: venv
	@$(python) -m benchmarks $(ARGS)

# Resolve pyproject.toml anew. The lock is a plain list of hashes that pip and uv both enforce.
lock: venv
	@uv --version >/dev/null 2>&1 || [ -x .venv/bin/uv ] || $(python) -m pip install --quiet uv
	@uv=$$(uv --version >/dev/null 2>&1 && echo uv || echo .venv/bin/uv); \
	$$uv export --quiet --all-groups --no-emit-project --no-header --no-annotate --output-file requirements.lock
	@rm -f uv.lock

venv:
	@sh bootstrap.sh
