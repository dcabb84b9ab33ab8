//! See `strowger_fuzz_checks::pap`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    strowger_fuzz_checks::pap(bytes);
});
