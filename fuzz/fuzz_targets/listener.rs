#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| runup_fuzz::check("listener", data));
