//! `[control]`: where the running project is reached, and by whom. A TCP listener is a door to everything that the project runs,
//! so what would leave it open to strangers is refused here, before anything starts.

use crate::config::lower::Context;
use crate::config::lower::keys::Keys;
use crate::config::lower::settings::absolute;
use crate::config::lower::value::{self, Wrong};
use crate::config::raw::{RawProject, RawSection, RawValue};
use crate::model::options::SectionKind;
use crate::model::{Control, Diagnostic, ListenAddress, Span};

/// How a password begins that is kept as the digest of the real one (supervisor `http.py` `encrypted_dictionary_authorizer`).
const DIGEST: &str = "{SHA}";

/// Reads the section.
pub fn control(context: Context<'_>, raw: &RawProject, problems: &mut Vec<Diagnostic>) -> (Control, Option<Span>) {
    let mut control = (Control::default(), None);
    for section in raw.sections.iter().filter(|section| section.kind == "control" && section.name.is_none()) {
        control = read(context, section, problems);
    }
    control
}

fn read(context: Context<'_>, section: &RawSection, problems: &mut Vec<Diagnostic>) -> (Control, Option<Span>) {
    let mut keys = Keys::new(SectionKind::Control, &section.keys, problems);
    let socket = keys.read("socket", value::some_text).map(|path| absolute(&context.request.root, &path));
    let tcp = keys.read("tcp", address);
    let username = keys.read("username", name);
    let password = keys.read("password", password);
    let (at_username, at_password, at_tcp) = (keys.span("username"), keys.span("password"), keys.span("tcp"));
    if at_username.is_some() != at_password.is_some() {
        let lone =
            if at_username.is_some() { "`username` without `password`" } else { "`password` without `username`" };
        let problem = Diagnostic::error("wrong-value", lone).at_opt(at_username.or(at_password), "both or neither");
        problems.push(problem);
    } else if let (Some(address), Some(span), None) = (&tcp, at_tcp, at_password) {
        problems.push(without_password(address, span));
    }
    (Control { socket, tcp: tcp.map(|address| address.to_string()), username, password }, at_tcp)
}

fn without_password(address: &ListenAddress, span: Span) -> Diagnostic {
    let way_out = "username = \"…\" and password = \"…\" below it";
    if address.is_loopback() {
        return Diagnostic::warning("no-password", "`tcp` asks for no password")
            .at(span, "every user of this machine could start and stop the programs here")
            .help(way_out);
    }
    let label = if address.is_wildcard() || address.host.parse::<core::net::IpAddr>().is_ok() {
        "whoever reaches this address could start and stop the programs here"
    } else {
        "only localhost and loopback addresses are sure to stay on this machine"
    };
    Diagnostic::error("open-to-network", "`tcp` listens beyond this machine and asks for no password")
        .at(span, label)
        .help(way_out)
        .help(format!("tcp = \"127.0.0.1:{}\" listens on this machine alone", address.port))
}

fn address(value: &RawValue) -> value::Read<ListenAddress> {
    ListenAddress::parse(&value::some_text(value)?).map_err(|expected| Wrong::Value(expected.to_owned()))
}

/// HTTP's Basic scheme joins name and password by the first colon (RFC 7617), so a name cannot have one.
fn name(value: &RawValue) -> value::Read<String> {
    let name = value::some_text(value)?;
    if name.contains(':') { Err(Wrong::Value("a user name cannot have a colon".to_owned())) } else { Ok(name) }
}

fn password(value: &RawValue) -> value::Read<String> {
    let password = value::some_text(value)?;
    let is_digest = |hex: &str| hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    match password.strip_prefix(DIGEST) {
        Some(hex) if !is_digest(hex) => Err(Wrong::Value("expected 40 hex digits after {SHA}".to_owned())),
        Some(_) | None => Ok(password),
    }
}
