//! The fuzz target of `pallas_fuzz::log_recovery`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pallas_fuzz::log_recovery::check(bytes));
