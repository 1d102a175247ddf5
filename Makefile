# The commands of this repository. `make help` lists them.

.PHONY: help build check test aarch64 fix doc miri

help: ## Lists the commands
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

build: ## Builds the release binary, target/release/pallas
	cargo build --release --package cli

check: ## Formatting and lints, as CI runs them
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings

test: ## The whole test suite
	cargo test --workspace --quiet --no-fail-fast

aarch64: ## Cross-builds for aarch64, and runs a selection of the tests under emulation
	.ci/aarch64

fix: ## Formats, and fixes what clippy can
	cargo fmt --all
	cargo clippy --workspace --all-targets --fix --allow-dirty

doc: ## The API documentation
	cargo doc --workspace --no-deps

miri: export MIRIFLAGS = -Zmiri-permissive-provenance -Zmiri-disable-isolation
miri: ## The collector under Miri (needs a nightly toolchain with the miri component)
	cargo +nightly miri test --package plan --lib heap::
	cargo +nightly miri test --package vm --lib tests::pools
