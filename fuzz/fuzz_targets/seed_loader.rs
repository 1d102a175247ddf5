//! The fuzz target of `pallas_fuzz::seed_loader`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pallas_fuzz::seed_loader::check(bytes));
