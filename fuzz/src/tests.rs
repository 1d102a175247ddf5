//! Every check runs on random bytes, so that this crate is tested without a fuzzer.

use crate::{
    agreement, compiled, jets, log_recovery, printing, rex_reader, seed_loader, signatures,
    sire_session,
};

/// Runs a check on `count` inputs of various lengths, the same in every run.
fn run(check: fn(&[u8]), count: u64) {
    for seed in 0..count {
        let mut bytes = vec![0; 7 * seed as usize % 300];
        fastrand::Rng::with_seed(seed).fill(&mut bytes);
        check(&bytes);
    }
}

#[test]
fn rex_reader_accepts_random_bytes() {
    run(rex_reader::check, 2000);
}

#[test]
fn seed_loader_accepts_random_bytes() {
    run(seed_loader::check, 500);
    run(|bytes| seed_loader::check(&[&[255], bytes].concat()), 1000);
}

#[test]
fn printing_accepts_random_bytes() {
    run(printing::check, 400);
}

#[test]
fn agreement_accepts_random_bytes() {
    run(agreement::check, 500);
}

#[test]
fn compiled_accepts_random_bytes() {
    run(compiled::check, 300);
}

#[test]
fn jets_accept_random_bytes() {
    run(jets::check, 1000);
}

#[test]
fn signatures_accept_random_bytes() {
    run(signatures::check, 100);
}

#[test]
fn sire_session_accepts_random_bytes() {
    run(sire_session::check, 200);
}

#[test]
fn log_recovery_accepts_random_bytes() {
    run(log_recovery::check, 300);
}
