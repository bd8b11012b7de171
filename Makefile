# `make` alone lists what there is. A line that begins with `target: ## text` is its documentation.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup build native lint types layers dead unit simulation system test sanitize fuzz demo bench bench-micro bench-page soak scale many memory allocations full names full-cache netem offloads attack overload fairness reboot pack deb image install uninstall clean \
	dependencies dependencies-all

BIN := node_modules/.bin
RUN := node build/scripts/test.js

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: dependencies-all ## install what is missing: system packages (apt, as root), npm packages

# Both at once: the compiler of TypeScript has one core. Types are checked by `types`, which takes three times as long.
build: dependencies ## compile TypeScript to build/ and the packet engine to prebuilds/
	@scripts/build-native.sh & engine=$$!; status=0; \
	{ $(BIN)/tsc -p . --noCheck && node build/scripts/bundle.js; } || status=$$?; \
	wait $$engine || status=$$?; exit $$status

native: dependencies ## compile the packet engine to prebuilds/linux-<arch>/engine.node
	@scripts/build-native.sh

lint: dependencies ## check formatting (prettier) and code (eslint)
	@$(BIN)/prettier --check --log-level warn .
	@$(BIN)/eslint --max-warnings 0 .

types: dependencies ## check types (tsc)
	@$(BIN)/tsc -p . --noEmit --incremental false
	@$(BIN)/tsc -p lib/page --incremental false

layers: dependencies ## check that imports point down the list of layers
	@$(BIN)/depcruise --config .dependency-cruiser.cjs lib

dead: dependencies ## find files and exports that nobody uses (knip)
	@$(BIN)/knip --no-progress

unit: build ## run unit, property, vector and compliance tests, and those of the documents
	@$(RUN) unit vectors compliance docs

simulation: build ## run whole meshes on virtual time
	@$(RUN) simulation

system: build dependencies-all ## run the tests on the real kernel (root; others: every test is named as skipped)
	@$(RUN) system

# Type errors do not stop here: the runner counts them as a failed check, beside all other results.
test: dependencies-all native ## run all checks and all tests; ends with "N passed, N failed, N skipped"
	@$(BIN)/tsc -p . >/dev/null || true
	@node build/scripts/bundle.js
	@$(RUN) checks unit vectors compliance docs simulation system

sanitize: dependencies-all build ## run the engine's tests under sanitizers, and racing lanes: FUZZ_RUNS=n (those on a TAP as root)
	@scripts/sanitize.sh

fuzz: build ## have libFuzzer make up what the engine reads: SECONDS=n, KEEP=1 keeps what reaches more (needs clang)
	@node build/scripts/fuzz.js

demo: dependencies-all build ## three hosts as network namespaces, connected, attached, measured; removes all it made
	@node build/scripts/demo.js

bench: dependencies-all build ## measure beside other systems: SYSTEMS="…" ROUNDS=n SECONDS_EACH=n MEASURES="…" JSON=file BASELINE=file (root)
	@node build/scripts/bench.js

bench-micro: build ## measure the engine in ns for each datagram beside OpenSSL, and count instructions: JSON=file BASELINE=file
	@node build/scripts/bench-micro.js

bench-page: build ## write figures into docs/benchmarks.md: REPORTS="files that JSON named"
	@node build/scripts/bench-page.js $(REPORTS)

soak: build ## simulate for long: SEED=n begins there, ROUNDS=n (default 200) seeds
	@SIM_SEED=$${SEED:-1} SIM_SEEDS=$${ROUNDS:-200} $(RUN) soak

scale: build ## measure simulated meshes: PEERS="10 50 100 500", SEED=n, STEADY_MINUTES=n, THREADS=n, SCALE_JSON=file for all figures
	@node build/scripts/scale.js

many: dependencies-all build ## measure real daemons on one switch: DAEMONS="20 40", SETTLE_SECONDS=n (root); removes all it made
	@node build/scripts/many-daemons.js

memory: dependencies-all build ## measure where the memory of daemons is: DAEMONS="1 20" RUNS=n SETTLE_SECONDS=n MEMORY_JSON=file (root)
	@node build/scripts/memory.js

allocations: dependencies-all build ## measure how fast one daemon gives addresses: ADDRESSES=n AT_ONCE="1 16" RUNS=n (root)
	@node build/scripts/allocations.js

full: dependencies-all build ## let eight real daemons hand out all of a /24 and say that it is full (root); removes all
	@node build/test/soak/full-range.test.js

names: dependencies-all build ## measure many names in a mesh of three daemons: NAMES=n (root); removes all it made
	@node build/scripts/many-names.js

netem: dependencies-all build ## run two daemons over a line that delays, loses, doubles and reorders: DATAGRAMS=n BYTES=n (root, netem)
	@node build/scripts/netem.js

offloads: dependencies-all build ## see what comes through without each offload, and where the kernel refuses it: CASES="…,…" BYTES=n (root)
	@node build/scripts/offloads.js

full-cache: dependencies-all build ## measure a launch on a cache as full as can be: OWNERS=n (root); removes all it made
	@node build/scripts/full-cache.js

attack: dependencies-all build ## measure the API while a member attacks: ATTACKS="links …", SECONDS=n (root); removes all
	@node build/scripts/attack.js

overload: dependencies-all build ## measure two daemons while they are flooded: FLOODS="container nonsense …", SECONDS=n (root); removes all
	@node build/scripts/overload.js

fairness: dependencies-all build ## measure what one greedy container leaves to others and to the daemon: SECONDS=n (root); removes all
	@node build/scripts/fairness.js

reboot: build ## boot a host under systemd and boot it again: UML=program of user-mode Linux (root); removes all
	@scripts/reboot.sh $(UML)

pack: dependencies ## make the npm package, with the built code and the engine for this platform
	@npm pack

deb: build ## make the Debian package, which carries Node.js and all it needs: DEB=file names it
	@scripts/deb.sh

image: build ## make the Docker image, without a registry: IMAGE=name, TAR=file
	@scripts/image.sh

install: build ## copy the program with all it needs to PREFIX (default /usr/local), below DESTDIR if it is given
	@scripts/install.sh install

uninstall: ## take away what `make install` made
	@scripts/install.sh uninstall

clean: ## remove what was built
	@rm -rf build prebuilds .tap *.tgz

dependencies:
	@scripts/setup.sh build

dependencies-all:
	@scripts/setup.sh all

