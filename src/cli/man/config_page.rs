//! run.toml(5), from the table of options and the kinds of ready check.

use clap_mangen::roff::{Inline, Roff, bold, italic, line_break, roman};

use crate::cli::man::pages::Page;
use crate::model::Grow;
use crate::model::options::{self, SectionKind};
use crate::probe;

/// A piece of the page, for either rendering.
enum Piece {
    Heading(&'static str),
    Text(String),
    /// A term and what it means, in paragraphs.
    Entry(String, Vec<String>),
    Example(&'static str),
}

const EXAMPLE: &str = r#"name = "shop"

[environment]
RUST_LOG = "info"

[program.db]
command = "postgres -D .pg -p $PORT"
port = "auto"
ready = { exec = "pg_isready -p $PORT", timeout = "60s" }

[task.migrate]
command = "sqlx migrate run"
depends_on = ["db"]

[program.api]
command = "cargo run --bin api"
depends_on = ["db", "migrate"]
port = "auto"
environment = { DATABASE_URL = "postgres://127.0.0.1:${db.port}/shop" }
ready = { http = "/health" }
"#;

/// The page.
pub fn page() -> Page {
    let pieces = pieces();
    Page { name: "run.toml".to_owned(), section: 5, roff: roff(&pieces), plain: plain(&pieces) }
}

fn pieces() -> Vec<Piece> {
    let text = |text: &str| Piece::Text(text.to_owned());
    let mut pieces = vec![
        Piece::Heading("NAME"),
        text("run.toml - the programs of a project and what they need"),
        Piece::Heading("SYNOPSIS"),
        text("run.toml, run.local.toml"),
        Piece::Heading("DESCRIPTION"),
        text(
            "A TOML document beside the code. [program.NAME] is kept running, [task.NAME] runs to its end. Both start in the \
             order of depends_on, each the moment what it needs is ready. run.local.toml beside it overrides it key by key.",
        ),
        text(
            "Durations are a number of seconds or a string such as \"500ms\", \"30s\", \"5m\"; sizes a number of bytes or a \
             string such as \"512KiB\", \"50MB\". ${NAME}, ${PROGRAM.port} and ${PROGRAM.url} are filled in in environment, \
             ready, ports and directory; in command only the dotted ones, the rest is the shell's.",
        ),
    ];
    for section in SectionKind::ALL {
        pieces.push(Piece::Heading(heading(section)));
        pieces.extend(options::of_section(section).map(|option| {
            let mut meaning = vec![option.doc.replace('`', ""), format!("Takes {}.", option.kind)];
            if !option.default.is_empty() {
                meaning.push(format!("Default: {}.", option.default.replace('`', "")));
            }
            Piece::Entry(option.name.to_owned(), meaning)
        }));
    }
    pieces.push(Piece::Heading("ENVIRONMENT"));
    pieces.push(text(
        "[environment] holds NAME = \"value\" for every program, above the env files and below the program's own.",
    ));
    pieces.push(Piece::Heading("READY CHECKS"));
    pieces.push(text(
        "ready holds exactly one of these, and every, timeout, successes and failures: how long is waited between two \
         attempts at the longest, when the start has failed, how many passes in a row are needed, after how many failures \
         the start has failed.",
    ));
    for kind in probe::KINDS {
        let mut meaning = vec![kind.doc.replace('`', ""), format!("Takes {}.", kind.value)];
        meaning.extend(kind.params.iter().map(|(name, doc)| format!("{name}: {doc}")));
        pieces.push(Piece::Entry(kind.name.to_owned(), meaning));
    }
    pieces.extend([Piece::Heading("EXAMPLE"), Piece::Example(EXAMPLE), Piece::Heading("SEE ALSO"), text("run(1)")]);
    pieces
}

fn heading(section: SectionKind) -> &'static str {
    match section {
        SectionKind::Top => "KEYS BEFORE THE FIRST SECTION",
        SectionKind::Program => "[program.NAME]",
        SectionKind::Task => "[task.NAME]",
        SectionKind::Group => "[group.NAME]",
        SectionKind::Control => "[control]",
        SectionKind::Listener => "[eventlistener.NAME]",
        SectionKind::Fcgi => "[fcgi-program.NAME]",
        SectionKind::Proxy => "[proxy]",
        SectionKind::RpcInterface => "[rpcinterface.NAME]",
    }
}

fn roff(pieces: &[Piece]) -> String {
    let mut page = Roff::new();
    page.control("TH", ["run.toml", "5", "", concat!("run ", env!("CARGO_PKG_VERSION")), "runup"]);
    for piece in pieces {
        match piece {
            Piece::Heading(title) => page.control("SH", [*title]),
            Piece::Text(text) => page.control("PP", []).text([roman(text)]),
            Piece::Entry(term, meaning) => {
                page.control("TP", []).text([bold(term)]);
                page.text(lines(meaning))
            }
            Piece::Example(text) => {
                page.control("PP", []).control("nf", []);
                for line in text.lines() {
                    page.text([roman(if line.is_empty() { " " } else { line })]);
                }
                page.control("fi", [])
            }
        };
    }
    // The name has to follow its heading at once, or no index finds it.
    page.to_roff().replace(".SH NAME\n.PP\n", ".SH NAME\n")
}

fn lines(meaning: &[String]) -> Vec<Inline> {
    let mut inlines = Vec::new();
    for (at, text) in meaning.iter().enumerate() {
        if at > 0 {
            inlines.push(line_break());
        }
        inlines.push(if at == 0 { roman(text) } else { italic(text) });
    }
    inlines
}

fn plain(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Heading(title) => text.put(format_args!("\n{title}\n")),
            Piece::Text(line) => text.put(format_args!("  {line}\n")),
            Piece::Entry(term, meaning) => {
                text.put(format_args!("  {term}\n"));
                for line in meaning {
                    text.put(format_args!("      {line}\n"));
                }
            }
            Piece::Example(example) => {
                for line in example.lines() {
                    text.put(format_args!("  {line}\n"));
                }
            }
        }
    }
    text.trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_and_every_check_is_there() {
        let page = page();
        for name in options::OPTIONS.iter().map(|option| option.name).chain(probe::KINDS.iter().map(|kind| kind.name)) {
            assert!(page.roff.contains(&format!("\\fB{name}\\fR")), "{name}");
            assert!(page.plain.contains(&format!("\n  {name}\n")), "{name}");
        }
    }
}
