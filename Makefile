# The commands of this repository. `make help` lists them.

.PHONY: help build docs deb deny sbom check test ci aarch64 apple portable miri fuzz fix doc grammar gallery results

APPLE_TARGETS = aarch64-apple-darwin x86_64-apple-darwin
PLATFORM_PACKAGES = plan vm jit persist machine cli

help: ## Lists the commands
	@grep -E '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

build: ## Builds the release binary, target/release/pallas
	cargo build --release --package cli

docs: build ## Generates shell completions and manual pages in target/share
	mkdir -p target/share
	target/release/pallas generate --manual target/share/man1
	for shell in bash zsh fish; do target/release/pallas generate --completions $$shell > target/share/pallas.$$shell; done

deb: docs ## Builds a Debian package in target/debian (needs cargo-deb)
	cargo deb --package cli --no-build --strip

deny: ## Checks licences, sources and advisories of dependencies (needs cargo-deny)
	cargo deny check

sbom: ## Writes the list of all dependencies, target/share/pallas.cdx.json (installs cargo-cyclonedx if it is missing)
	cargo cyclonedx --version >/dev/null 2>&1 || cargo install cargo-cyclonedx --locked --quiet
	mkdir -p target/share
	cargo cyclonedx --format json --spec-version 1.5 --target all --manifest-path cli/Cargo.toml --override-filename pallas.cdx
	mv cli/pallas.cdx.json target/share/pallas.cdx.json
	# It writes a list beside the manifest of each crate of the workspace.
	rm -f */pallas.cdx.json

check: ## Checks formatting and lints
	cargo fmt --all -- --check
	cargo fmt --manifest-path fuzz/Cargo.toml -- --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings

test: ## Runs the test suite
	cargo test --workspace --quiet --no-fail-fast

ci: ## Runs everything that a change must pass, and prints a table of the results
	.ci/run

aarch64: ## Runs a selection of the tests for aarch64 under emulation
	.ci/aarch64 || [ $$? -eq 77 ]

apple: ## Checks the workspace for macOS, on both processors (needs rustup)
	rustup target add $(APPLE_TARGETS)
	for target in $(APPLE_TARGETS); do cargo check --workspace --quiet --target $$target || exit 1; done

portable: ## Runs unit tests over the calls that macOS needs, as far as Linux has them
	cargo test --quiet --no-fail-fast --features portable-platform $(PLATFORM_PACKAGES:%=--package %) --lib --bins

miri: export MIRIFLAGS = -Zmiri-permissive-provenance -Zmiri-disable-isolation
miri: ## Runs the tests of the collector under Miri (needs the nightly toolchain with miri)
	cargo +nightly miri test --package plan --lib -- heap:: borrower
	cargo +nightly miri test --package vm --lib tests::pools

fuzz: ## Runs every fuzz check on random bytes, without a fuzzer
	cargo test --manifest-path fuzz/Cargo.toml --lib

fix: ## Formats, and applies the fixes that clippy suggests
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	cargo clippy --workspace --all-targets --fix --allow-dirty

doc: ## Builds the API documentation
	cargo doc --workspace --no-deps

grammar: ## Generates the parser of the tree-sitter grammar, and tests it on both libraries (needs Node.js)
	cargo test --manifest-path editors/tree-sitter-rex/check/Cargo.toml --target-dir target/grammar

gallery: ## Runs the tools on the notepad under load, and writes pictures and transcripts in target/gallery
	.ci/gallery

results: ## Makes the tables and plots of the raw runs in bench/runs
	cargo run --quiet --package bench --bin draw
