//! The parts of the page, inside the binary: written by hand, without a build, and nothing from elsewhere.

/// The frame of every page.
pub(super) const FRAME: &str = include_str!("assets/index.html");

/// A file that the page asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asset {
    /// Where it is asked for.
    pub(super) path: &'static str,
    /// Its type.
    pub(super) kind: &'static str,
    /// What is in it.
    pub(super) text: &'static str,
}

/// All of them.
pub(super) const ASSETS: &[Asset] = &[
    Asset { path: "/style.css", kind: "text/css; charset=utf-8", text: include_str!("assets/style.css") },
    Asset { path: "/app.js", kind: "text/javascript; charset=utf-8", text: include_str!("assets/app.js") },
    Asset { path: "/favicon.svg", kind: "image/svg+xml", text: include_str!("assets/favicon.svg") },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_loaded_from_elsewhere_and_nothing_is_inline() {
        for text in ASSETS.iter().map(|asset| asset.text).chain([FRAME]) {
            let elsewhere: Vec<&str> = text.split('"').filter(|part| part.starts_with("http")).collect();
            assert!(elsewhere.iter().all(|address| address.starts_with("http://www.w3.org/")), "{elsewhere:?}");
            for markup in ["javascript:", "innerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                assert!(!text.contains(markup), "{markup}");
            }
        }
        assert!([" style=", " onclick=", "<style"].iter().all(|inline| !FRAME.contains(inline)));
        assert_eq!(FRAME.matches("<script").count(), 1);
        assert!(FRAME.contains("<script src=\"app.js\" defer></script>"));
    }
}
