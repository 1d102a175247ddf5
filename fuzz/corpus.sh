#!/bin/sh
# Fills the corpora that the fuzzer starts from with the inputs of the tests.
set -eu
cd "$(dirname "$0")"
for target in sire_session rex_reader; do
    mkdir -p "corpus/$target"
    cp ../tests/golden/repl/*.in "corpus/$target"
done
cp ../sire/*.sire corpus/rex_reader
mkdir -p corpus/seed_loader
cp ../tests/golden/seeds/*.seed corpus/seed_loader
for target in agreement compiled jets log_recovery printing signatures; do
    mkdir -p "corpus/$target"
    for size in 64 256 1024; do
        head -c "$size" ../sire/plan.sire >"corpus/$target/$size"
    done
done
