//! supervisord.conf is recognised and refused with a clear word: it is not built yet.

use super::{ConfigFormat, Parsed, Source, nothing};
use crate::model::{Diagnostic, Dialect, Span};

/// The row of [`super::FORMATS`].
pub const FORMAT: ConfigFormat =
    ConfigFormat { name: "supervisord.conf", endings: &[".conf", ".ini"], beside: &[], parse };

fn parse(source: &Source<'_>) -> Parsed {
    let first_line = source.text.find('\n').unwrap_or(source.text.len());
    let problem = Diagnostic::error("not-built", "supervisord files are not read yet")
        .at(Span::new(source.file, 0..first_line), "a name that ends in .conf or .ini means supervisord's format")
        .help("write the programs into a run.toml: the option names are the same");
    Parsed { raw: nothing(Dialect::Supervisord), problems: vec![problem], is_torn: true }
}
