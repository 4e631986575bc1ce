//! The fuzz targets: the properties of `tests/properties`, run by libFuzzer. `fuzz/README.md` says how.

#[path = "../../tests/properties/stream.rs"]
mod stream;
#[expect(dead_code, reason = "memory is looked at by cargo test")]
#[path = "../../tests/properties/targets.rs"]
mod targets;
#[path = "../../tests/properties/text.rs"]
mod text;
#[path = "../../tests/properties/wire.rs"]
mod wire;

/// Checks one property.
pub fn check(name: &str, data: &[u8]) {
    let target = targets::TARGETS.iter().find(|target| target.name == name).expect("a row of the table");
    (target.check)(data);
}
