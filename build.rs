//! Links the program so that it starts fast.
//!
//! * At a fixed address, as Go's programs are. Elsewhere each pointer among its constants would be written anew at each start: eighty pages
//!   that are then memory of its own, a tenth of what the start of a small project takes. Libraries, heap and stack still lie at random.
//!   Who wants the program to as well builds with `RUSTFLAGS="-C relocation-model=pic"`.
//! * With the unwinder. The compiler asks for `libgcc_s.so`, a library that would be found, mapped and relocated at each start, for the
//!   sake of a panic that does not happen: a twentieth. gcc has the same code as an archive. Where that is not to be found, the program is
//!   linked as usual.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CARGO_ENCODED_RUSTFLAGS");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let is_gnu_linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_gnu_linux && !has_another_wish() {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    if is_gnu_linux && env::var("HOST") == env::var("TARGET") && has_archive() {
        let directory = env::var("OUT_DIR").expect("cargo sets it for build scripts");
        // A script of the linker, which it finds before the library of that name.
        let script = Path::new(&directory).join("libgcc_s.so");
        fs::write(script, "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR is there to be written to");
        println!("cargo:rustc-link-search=native={directory}");
    }
}

/// Whether whoever builds has said how addresses are to be, or that nothing is to be loaded from a library.
fn has_another_wish() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    flags.contains("relocation-model") || features.split(',').any(|feature| feature == "crt-static")
}

/// Whether the C compiler, which links for us, has the unwinder as an archive.
fn has_archive() -> bool {
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let Ok(answer) = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output() else { return false };
    // What is not found is repeated as it was asked for.
    Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_absolute()
}
