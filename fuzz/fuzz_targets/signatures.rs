//! The fuzz target of `pallas_fuzz::signatures`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pallas_fuzz::signatures::check(bytes));
