//! See `strowger_fuzz_checks::sip`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    strowger_fuzz_checks::sip(bytes);
});
