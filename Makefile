# The commands of this repository. `make help` lists them.

.PHONY: help build check test fix doc miri

help: ## Lists the commands
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

build: ## Builds the release binary, target/release/pallas
	cargo build --release --package cli

check: ## Formatting and lints, as CI runs them
	cargo fmt --all -- --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings

test: ## The whole test suite
	cargo test --workspace --quiet --no-fail-fast

fix: ## Formats, and fixes what clippy can
	cargo fmt --all
	cargo clippy --workspace --all-targets --fix --allow-dirty

doc: ## The API documentation
	cargo doc --workspace --no-deps

miri: ## The collector under Miri (needs a nightly toolchain with the miri component)
	MIRIFLAGS="-Zmiri-permissive-provenance -Zmiri-disable-isolation" \
		cargo +nightly miri test --package vm --lib heap::
