//! Links the unwinder into the program.
//!
//! The compiler asks for `libgcc_s.so`, a library that would be found, mapped and relocated at each start, for the sake of a panic that
//! does not happen: a twentieth of what the start of a small project takes. gcc has the same code as an archive. Where that is not to be
//! found, the program is linked as usual.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let is_gnu_linux = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if is_gnu_linux && env::var("HOST") == env::var("TARGET") && has_archive() {
        let directory = env::var("OUT_DIR").expect("cargo sets it for build scripts");
        // A script of the linker, which it finds before the library of that name.
        let script = Path::new(&directory).join("libgcc_s.so");
        fs::write(script, "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR is there to be written to");
        println!("cargo:rustc-link-search=native={directory}");
    }
}

/// Whether the C compiler, which links for us, has the unwinder as an archive.
fn has_archive() -> bool {
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let Ok(answer) = Command::new(linker).arg("-print-file-name=libgcc_eh.a").output() else { return false };
    // What is not found is repeated as it was asked for.
    Path::new(String::from_utf8_lossy(&answer.stdout).trim()).is_absolute()
}
