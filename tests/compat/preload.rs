//! Faults that no test can bring about from outside: a few lines of C that stand before the C library in both daemons.

use std::process::Command;

use crate::daemon::Stage;
use crate::side::here;

/// Compiles `NAME.c` of this directory and puts it before the C library of everything on the stage.
pub(crate) fn preload(stage: Stage, name: &str) -> Stage {
    let library = stage.path(&format!("{name}.so"));
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(here(&format!("{name}.c")))
        .output();
    let done = done.expect("whoever has linked this test has cc");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let place = stage.project.directory().display().to_string();
    stage.env("LD_PRELOAD", library.to_str().unwrap()).env("PRELOAD_PLACE", &place)
}
