//! The clipboard: an escape sequence that the terminal understands (OSC 52, xterm's `ctlseqs`), and the tool of the desktop. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The most that is handed to a terminal, in bytes: some drop longer ones.
const MOST: usize = 74_000;

/// What makes the terminal copy a text; nothing for one that is too long.
pub fn sequence(text: &str) -> Vec<u8> {
    if text.len() > MOST {
        return Vec::new();
    }
    format!("\x1b]52;c;{}\x07", STANDARD.encode(text)).into_bytes()
}

/// The command that takes a text on its stdin and copies it, where the environment says that there is a desktop.
pub fn tool(variable: impl Fn(&str) -> bool) -> Option<&'static [&'static str]> {
    if cfg!(target_os = "macos") {
        Some(&["pbcopy"])
    } else if variable("WAYLAND_DISPLAY") {
        Some(&["wl-copy"])
    } else if variable("DISPLAY") {
        Some(&["xclip", "-selection", "clipboard"])
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_in_base64_unless_it_is_too_long() {
        assert_eq!(sequence("hello"), b"\x1b]52;c;aGVsbG8=\x07");
        assert!(sequence(&"x".repeat(MOST + 1)).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_tool_is_that_of_the_desktop() {
        assert_eq!(tool(|name| name == "DISPLAY").map(|tool| tool[0]), Some("xclip"));
        assert_eq!(tool(|_| true).map(|tool| tool[0]), Some("wl-copy"));
        assert_eq!(tool(|_| false), None);
    }
}
