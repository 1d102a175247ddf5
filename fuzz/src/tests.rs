//! Every check on bytes without a meaning, so that this crate is seen to work without a fuzzer.

use crate::{agreement, compiled, jets, log_recovery, rex_reader, seed_loader, sire_session};

/// Bytes of that length, determined by the seed.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn run(check: fn(&[u8]), count: u64) {
    for seed in 0..count {
        check(&noise(seed, 7 * seed as usize % 300));
    }
}

#[test]
fn rex_reader_takes_noise() {
    run(rex_reader::check, 2000);
}

#[test]
fn seed_loader_takes_noise() {
    run(seed_loader::check, 500);
    run(|bytes| seed_loader::check(&[&[255], bytes].concat()), 1000);
}

#[test]
fn agreement_takes_noise() {
    run(agreement::check, 500);
}

#[test]
fn compiled_takes_noise() {
    run(compiled::check, 300);
}

#[test]
fn jets_take_noise() {
    run(jets::check, 1000);
}

#[test]
fn sire_session_takes_noise() {
    run(sire_session::check, 200);
}

#[test]
fn log_recovery_takes_noise() {
    run(log_recovery::check, 300);
}
