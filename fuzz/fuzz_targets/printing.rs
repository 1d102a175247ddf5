//! The fuzz target of `pallas_fuzz::printing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pallas_fuzz::printing::check(bytes));
