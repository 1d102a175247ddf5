//! The fuzz target of `pallas_fuzz::compiled`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pallas_fuzz::compiled::check(bytes));
