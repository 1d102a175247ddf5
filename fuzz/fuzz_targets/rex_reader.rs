//! The fuzz target of `pallas_fuzz::rex_reader`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pallas_fuzz::rex_reader::check(bytes));
