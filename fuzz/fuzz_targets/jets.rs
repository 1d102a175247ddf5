//! The fuzz target of `pallas_fuzz::jets`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pallas_fuzz::jets::check(bytes));
