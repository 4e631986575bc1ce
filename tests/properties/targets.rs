//! The table of properties: what is run with arbitrary bytes, by `cargo test` and by cargo-fuzz (`fuzz/`).

use super::{stream, text, wire};

/// One property of any bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// The name of its fuzz target, and of the directory of its seeds.
    pub(crate) name: &'static str,
    /// Panics where the property does not hold.
    pub(crate) check: fn(&[u8]),
    /// How much memory it may hold at once, in KiB, whatever the input.
    pub(crate) memory: u64,
    /// How many bytes of memory for each byte of input beside that.
    pub(crate) memory_per_byte: u64,
}

const fn row(name: &'static str, check: fn(&[u8]), memory: u64, memory_per_byte: u64) -> Target {
    Target { name, check, memory, memory_per_byte }
}

/// All of them.
pub(crate) const TARGETS: &[Target] = &[
    row("ansi", stream::ansi, 512, 64),
    row("basic_auth", wire::basic_auth, 512, 64),
    row("capture", stream::capture, 512, 128),
    row("conf", text::conf, 512, 4096),
    row("dotenv", text::dotenv, 512, 512),
    row("extension", wire::extension, 512, 512),
    row("guard", wire::guard, 512, 256),
    row("http", wire::http, 512, 64),
    row("ini", text::ini, 512, 512),
    row("lines", stream::lines, 65536, 64),
    row("listener", stream::listener, 512, 128),
    row("notify", wire::notify, 512, 256),
    row("percent", text::percent, 512, 64),
    row("procfile", text::procfile, 512, 2048),
    row("shlex", text::shlex, 512, 512),
    row("strip", stream::strip, 512, 64),
    row("template", text::template, 512, 512),
    row("toml", text::toml, 512, 8192),
    row("xmlrpc", wire::xmlrpc, 512, 1024),
    row("yaml", text::yaml, 65536, 4096),
];
