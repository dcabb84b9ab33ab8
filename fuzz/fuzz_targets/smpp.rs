//! See `strowger_fuzz_checks::smpp`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    strowger_fuzz_checks::smpp(bytes);
});
