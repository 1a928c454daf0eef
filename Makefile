# Two commands matter: `make demo` and `make test`. Both make their own environment first.
.PHONY: demo test acceptance endurance lint engine check environment environment-dev docs lock images benchmarks clean help
.DEFAULT_GOAL := help

ROOT ?= gavip-data
PORT ?= 8000
bin := .venv/bin
# What the templates in Java and Fortran need where boxes are processes; numpy's f2py builds with meson and ninja of the locks.
compilers := gfortran openjdk-17-jdk-headless python3-dev
endless := tests/gavip_hub/domain/test_domain_machine.py tests/gavip_hub/services/test_services_machine.py \
	tests/acceptance/test_odd_requests.py tests/acceptance/test_fuzz.py

help:
	@echo "make demo        start the platform, run the bundled pipeline once, keep serving (ROOT=$(ROOT) PORT=$(PORT))"
	@echo "make test        everything that must hold; 20 to 36 minutes on two cores"
	@echo "make acceptance  the long families on real containers: kills, attacks, load; some two hours on two cores"
	@echo "make endurance   a million events of the scheduler and ten minutes of fuzzing"
	@echo "make lint        ruff, mypy, the layer contract, dead code"
	@echo "make images      build the container images (needs a Docker engine, or the right to install one)"
	@echo "make docs        make the generated reference pages anew"
	@echo "make benchmarks  medians and ratios"

environment:
	@scripts/environment runtime

environment-dev:
	@scripts/system-packages
	@scripts/environment dev

demo: environment
	@$(bin)/gavip demo --root "$(ROOT)" --port "$(PORT)"

lint: environment-dev
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports
	$(bin)/vulture

# Where there is no engine, and no right to install one, tests of containers are skipped, unless everything is required.
engine:
	@scripts/engine && scripts/images avi-python || [ "$$GAVIP_REQUIRE_ALL" != 1 ]

# Three at a time, each file by one of them: most tests wait for programs more than they compute.
test: lint engine
	$(bin)/pytest -m "not acceptance" -n 3 --dist loadfile $(PYTEST_ARGS)

# On real containers; what is missing on this machine fails rather than skips.
acceptance: export GAVIP_REQUIRE_ALL = 1
acceptance: export GAVIP_FUZZ_SECONDS = 120
acceptance: environment-dev
	scripts/system-packages $(compilers)
	scripts/engine
	scripts/images
	$(bin)/pytest -m "acceptance and not alone" -n 3 --dist loadfile $(PYTEST_ARGS)
	$(bin)/pytest -m "acceptance and alone" $(PYTEST_ARGS)
	$(bin)/python -m benchmarks.memory
	$(bin)/python -m benchmarks.containers

# How long, not how much: a million events of the scheduler, and ten minutes of fuzzing by everybody at once.
endurance: export GAVIP_REQUIRE_ALL = 1
endurance: export GAVIP_MACHINE_EVENTS = 1000000
endurance: export GAVIP_FUZZ_SECONDS = 600
endurance: environment-dev engine
	$(bin)/pytest $(endless) $(PYTEST_ARGS)

benchmarks: environment-dev
	$(bin)/python -m benchmarks.command
	$(bin)/python -m benchmarks.authoring
	$(bin)/python -m benchmarks.interface
	$(bin)/python -m benchmarks.job
	$(bin)/python -m benchmarks.scheduler
	$(bin)/python -m benchmarks.estimates
	$(bin)/python -m benchmarks.memory
	$(bin)/python -m benchmarks.throughput
	$(bin)/python -m benchmarks.webdav
	$(bin)/python -m benchmarks.portal
	$(bin)/python -m benchmarks.portal --postgres
	$(bin)/python -m benchmarks.paint
	$(bin)/python -m benchmarks.files
	$(bin)/python -m benchmarks.whole
	$(bin)/python -m benchmarks.containers

docs: environment-dev
	$(bin)/python -m docs.generate

lock: environment-dev
	scripts/lock

images:
	@scripts/images

clean:
	rm -rf .venv .cache build dist
