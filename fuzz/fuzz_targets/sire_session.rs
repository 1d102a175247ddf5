//! The fuzz target of `pallas_fuzz::sire_session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pallas_fuzz::sire_session::check(bytes));
