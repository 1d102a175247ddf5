//! The fuzz target of `pallas_fuzz::agreement`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pallas_fuzz::agreement::check(bytes));
