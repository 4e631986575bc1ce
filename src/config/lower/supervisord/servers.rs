//! What stands around the programs: `[supervisord]`, the servers, `[supervisorctl]`, `[rpcinterface:NAME]`.

use crate::codec::shlex;
use crate::config::facts::World;
use crate::config::lower::supervisord::expansion::Expansions;
use crate::config::lower::supervisord::section::Section;
use crate::config::lower::supervisord::value;
use crate::model::conf_options;
use crate::model::supervisord::{Credentials, Ctl, Daemon, InetServer, RpcInterface, UnixServer};
use crate::model::{Diagnostic, ListenAddress, Template};

/// The factory of the interface that is built in.
const OWN_FACTORY: &str = "supervisor.rpcinterface:make_main_rpcinterface";

/// `[supervisord]`, and its `environment`.
pub fn daemon(
    section: &mut Section<'_>,
    names: &Expansions,
    world: &mut World<'_>,
) -> (Daemon, Vec<(String, Template)>) {
    let mut daemon = Daemon::default();
    let written = section.text("logfile", names);
    // supervisord's own command has its main log where the original has it, not among what we keep.
    daemon.is_logfile_named = written.is_some() || section.request.as_supervisord.is_some();
    let logfile = written.unwrap_or_else(|| "supervisord.log".to_owned());
    daemon.logfile = (logfile != "syslog").then(|| super::section::absolute(section.request, &logfile));
    let pidfile = section.path("pidfile", names);
    daemon.pidfile = pidfile.unwrap_or_else(|| super::section::absolute(section.request, "supervisord.pid"));
    section.set("logfile_maxbytes", names, value::size, &mut daemon.logfile_maxbytes);
    section.set("logfile_backups", names, value::count, &mut daemon.logfile_backups);
    section.set("loglevel", names, value::log_level, &mut daemon.loglevel);
    section.set("umask", names, value::octal, &mut daemon.umask);
    section.set("nodaemon", names, value::boolean, &mut daemon.nodaemon);
    section.set("silent", names, value::boolean, &mut daemon.silent);
    section.set("nocleanup", names, value::boolean, &mut daemon.nocleanup);
    section.set("strip_ansi", names, value::boolean, &mut daemon.strip_ansi);
    section.set("exit_on_failure", names, value::boolean, &mut daemon.exit_on_failure);
    let limit = |text: &str| Ok(u64::from(value::count(text)?));
    section.set("minfds", names, limit, &mut daemon.minfds);
    section.set("minprocs", names, limit, &mut daemon.minprocs);
    section.set("identifier", names, |text| Ok(text.to_owned()), &mut daemon.identifier);
    daemon.childlogdir = section.path("childlogdir", names);
    daemon.user = section.text("user", names);
    daemon.directory = section.path("directory", names);
    if let Some(directory) = &daemon.directory
        && world.is_directory(directory) == Some(false)
    {
        let problem = Diagnostic::error("missing-directory", "[supervisord] names a directory that is not there");
        section.push(problem.at(section.span("directory"), format!("looked for {}", directory.display())));
        daemon.directory = None;
    }
    (daemon, environment(section, names).unwrap_or_default())
}

/// `environment` as pairs without holes: it has been expanded.
pub fn environment(section: &mut Section<'_>, names: &Expansions) -> Option<Vec<(String, Template)>> {
    let text = section.text("environment", names)?;
    match shlex::pairs(&text) {
        Ok(pairs) => Some(pairs.into_iter().map(|(name, value)| (name, Template::literal(value))).collect()),
        Err(error) => {
            let problem = Diagnostic::error("wrong-value", format!("`environment`: {error}"));
            let problem = problem.at(section.span("environment"), "expected KEY=\"value\",OTHER=\"value\"");
            section.push(problem.help("a value with other signs than letters, digits and _/.+-(): needs quotes"));
            None
        }
    }
}

/// The name and password of a server.
fn credentials(section: &mut Section<'_>, names: &Expansions) -> Option<Credentials> {
    let (username, password) = (section.text("username", names), section.text("password", names));
    value::credentials(username, password).unwrap_or_else(|why| {
        let key = if section.key("username").is_some() { "username" } else { "password" };
        let problem = Diagnostic::error("wrong-value", why);
        let label = if why.contains("without") { "both or neither" } else { "" };
        section.push(problem.at(section.span(key), label));
        None
    })
}

/// `[unix_http_server]`.
pub fn unix(section: &mut Section<'_>, names: &Expansions) -> Option<UnixServer> {
    let credentials = credentials(section, names);
    let chmod = section.read("chmod", names, value::octal).unwrap_or(0o700);
    let chown = section.text("chown", names);
    if section.key("file").is_none() {
        section.missing("file");
    }
    let file = section.path("file", names)?;
    Some(UnixServer { name: section.raw.name.clone(), file, chmod, chown, credentials })
}

/// `[inet_http_server]`.
pub fn inet(section: &mut Section<'_>, names: &Expansions) -> Option<InetServer> {
    let credentials = credentials(section, names);
    if section.key("port").is_none() {
        section.missing("port");
    }
    let (host, port) = section.read("port", names, value::address)?;
    let server = InetServer { name: section.raw.name.clone(), host, port, credentials };
    let address = listen_address(&server);
    if server.credentials.is_none() && !address.is_loopback() {
        let problem = Diagnostic::error("open-to-network", format!("{} asks for no password", section.title()));
        let label = format!("{address} is open to other machines, which could start and stop the programs here");
        let problem = problem.at(section.span("port"), label);
        section.push(problem.help(format!("username=… and password=… lock it; port=127.0.0.1:{port} keeps it here")));
    } else if server.credentials.is_none() {
        let problem = Diagnostic::warning("no-password", format!("{} asks for no password", section.title()));
        section.push(
            problem.at(section.span("port"), "every user of this machine could start and stop the programs here"),
        );
    }
    Some(server)
}

/// Where a server listens; without a host on all addresses.
pub fn listen_address(server: &InetServer) -> ListenAddress {
    let host = if server.host.is_empty() { "*" } else { &server.host };
    ListenAddress { host: host.to_owned(), port: server.port }
}

/// `[supervisorctl]`.
pub fn ctl(section: &mut Section<'_>, names: &Expansions) -> Ctl {
    let mut ctl = Ctl::default();
    section.set("serverurl", names, |text| Ok(text.to_owned()), &mut ctl.serverurl);
    section.set("prompt", names, |text| Ok(text.to_owned()), &mut ctl.prompt);
    ctl.username = section.text("username", names);
    ctl.password = section.text("password", names);
    ctl.history_file = section.path("history_file", names);
    ctl
}

/// `[rpcinterface:NAME]`: the built-in one, or a program that serves the methods. Python modules cannot be loaded.
pub fn rpc_interface(section: &mut Section<'_>, names: &Expansions) -> Option<RpcInterface> {
    const FACTORY: &str = "supervisor.rpcinterface_factory";
    let factory = section.text(FACTORY, names);
    let command = section.text("command", names);
    match (&factory, &command) {
        (Some(factory), None) if factory != OWN_FACTORY => {
            let problem = plugin(&section.title(), factory).at(section.span(FACTORY), "this is Python");
            section.push(problem.help("command=… in its place is a program of any language that serves the methods"));
            return None;
        }
        (None, None) => {
            section.missing(FACTORY);
            return None;
        }
        (Some(_), None) | (_, Some(_)) => {}
    }
    let is_own = |name: &str| name == FACTORY || conf_options::find(section.kind, name).is_some();
    let others: Vec<String> =
        section.raw.keys.iter().map(|key| key.name.clone()).filter(|name| !is_own(name)).collect();
    let options = others.into_iter().filter_map(|name| Some((name.clone(), section.text(&name, names)?))).collect();
    let name = section.raw.name.as_deref().unwrap_or_default().trim();
    Some(RpcInterface { name: name.to_owned(), command, options })
}

/// The one thing of supervisord's that is refused.
pub fn plugin(title: &str, what: &str) -> Diagnostic {
    let message = format!("{title} wants the Python module `{what}`, and there is no Python in here");
    Diagnostic::error("python-plugin", message).help("take the section out, or keep supervisord for this one")
}
