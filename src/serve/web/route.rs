//! Which answer an address asks for. Pure.

use hyper::{Method, StatusCode, Uri};

use super::assets::{ASSETS, Asset};
use super::query::{NotANumber, Pairs, decoded};
use crate::serve::guard::SESSION;

/// The most lines of each program that are answered at once.
pub(super) const MOST_LINES: usize = 5000;

/// How many are answered when nobody says.
const LINES: u64 = 500;

/// The bytes of `tail.html` when nobody says, which are also the fewest (supervisor `web.py` `TailView`).
const TAIL: u64 = 1024;

/// The most bytes of `tail.html`.
const MOST_TAIL: u64 = 1 << 20;

/// Below it is what the page lives on.
const API: &str = "/api/v1/";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// The page itself.
    Index,
    /// The question that an old link to a change leads to.
    Confirm(Confirm),
    /// The end of a log as a page.
    Tail {
        /// Whose.
        name: String,
        /// How many bytes.
        limit: usize,
    },
    /// `OK`.
    Ok,
    /// A part of the page.
    Asset(&'static Asset),
    /// The token of this session, which begins if there is none.
    Session,
    /// A session for who has the key of the listener.
    Login,
    /// The state of everything.
    Status,
    /// The state of one process.
    Program(String),
    /// What needs what.
    Graph(Drawing),
    /// Lines of logs.
    Logs(LogQuery),
    /// The same, and what comes after them.
    LogStream(LogQuery),
    /// Every change of state as it happens, and now and then CPU and memory for who wants them.
    Events {
        /// Whether somebody does.
        with_usage: bool,
    },
    /// Change something.
    Change(Verb),
    /// Open a listener for a browser.
    Open,
}

/// What can be done to programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// Start them and what they need.
    Start,
    /// Stop them.
    Stop,
    /// Stop and start them.
    Restart,
    /// Empty their logs.
    Clear,
}

/// A change that is asked for by an old link (supervisor `web.py` `make_callback`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Confirm {
    /// What is to be done.
    pub(super) verb: Verb,
    /// To whom; `all` for everybody.
    pub(super) name: String,
}

/// How a graph is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drawing {
    /// Nodes and edges.
    Json,
    /// A picture.
    Svg,
}

/// Which lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogQuery {
    /// Of whom, in a user's words; of all when empty.
    pub(super) names: Vec<String>,
    /// The last so many of each.
    pub(super) last: usize,
    /// Only those that began then or later, milliseconds since 1970.
    pub(super) since: Option<u64>,
    /// Only those of this run of the latest `up`.
    pub(super) run: Option<u32>,
    /// Only those with this text in them, in whatever case; all when empty.
    pub(super) contains: String,
}

impl Verb {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Self; 4] = [Self::Start, Self::Stop, Self::Restart, Self::Clear];

    /// Its name in an address, and in the page.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Clear => "clear",
        }
    }
}

/// Whether a path is for browsers at all.
pub(in crate::serve) fn is_ours(path: &str) -> bool {
    matches!(path, "/" | "/index.html" | "/tail.html" | "/ok.html")
        || path.starts_with("/api/")
        || asset(path).is_some()
}

/// What is asked for, or the status that says why it is nothing.
pub(super) fn find(method: &Method, uri: &Uri) -> Result<Route, StatusCode> {
    let pairs = Pairs::of(uri.query());
    let is_reading = matches!(*method, Method::GET | Method::HEAD);
    let read = |route: Route| if is_reading { Ok(route) } else { Err(StatusCode::METHOD_NOT_ALLOWED) };
    let change = |route: Route| if *method == Method::POST { Ok(route) } else { Err(StatusCode::METHOD_NOT_ALLOWED) };
    // An answer without an end has no head of its own.
    let follow = |route: Route| if *method == Method::GET { Ok(route) } else { Err(StatusCode::METHOD_NOT_ALLOWED) };
    match uri.path() {
        "/" | "/index.html" => read(index(&pairs)?),
        "/tail.html" => read(tail(&pairs)),
        "/ok.html" => read(Route::Ok),
        SESSION => read(Route::Session).or_else(|_| change(Route::Login)),
        path => match path.strip_prefix(API) {
            None => asset(path).map_or(Err(StatusCode::NOT_FOUND), |asset| read(Route::Asset(asset))),
            Some("status") => read(Route::Status),
            Some("graph") => read(Route::Graph(drawing(&pairs)?)),
            Some("logs") => read(Route::Logs(log_query(&pairs)?)),
            Some("logs/stream") => follow(Route::LogStream(log_query(&pairs)?)),
            Some("events") => follow(Route::Events { with_usage: pairs.get("usage") != Some("no") }),
            Some("start") => change(Route::Change(Verb::Start)),
            Some("stop") => change(Route::Change(Verb::Stop)),
            Some("restart") => change(Route::Change(Verb::Restart)),
            Some("clear") => change(Route::Change(Verb::Clear)),
            Some("open") => change(Route::Open),
            Some(rest) => match rest.strip_prefix("programs/").filter(|name| !name.is_empty()) {
                Some(name) => read(Route::Program(decoded(name))),
                None => Err(StatusCode::NOT_FOUND),
            },
        },
    }
}

fn asset(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// The page, or the question whether a change is meant.
fn index(pairs: &Pairs) -> Result<Route, StatusCode> {
    let all = |verb| Ok(Route::Confirm(Confirm { verb, name: "all".to_owned() }));
    let one = |verb| {
        let name = pairs.get("processname").ok_or(StatusCode::BAD_REQUEST)?;
        Ok(Route::Confirm(Confirm { verb, name: name.to_owned() }))
    };
    match pairs.get("action") {
        None | Some("refresh") => Ok(Route::Index),
        Some("startall") => all(Verb::Start),
        Some("stopall") => all(Verb::Stop),
        Some("restartall") => all(Verb::Restart),
        Some("start") => one(Verb::Start),
        Some("stop") => one(Verb::Stop),
        Some("restart") => one(Verb::Restart),
        Some("clearlog") => one(Verb::Clear),
        Some(_) => Err(StatusCode::BAD_REQUEST),
    }
}

/// A limit that is no number is the smallest one, as in supervisord.
fn tail(pairs: &Pairs) -> Route {
    let limit = pairs.number("limit").ok().flatten().unwrap_or(TAIL).clamp(TAIL, MOST_TAIL);
    Route::Tail { name: pairs.get("processname").unwrap_or_default().to_owned(), limit: whole(limit) }
}

fn drawing(pairs: &Pairs) -> Result<Drawing, StatusCode> {
    match pairs.get("format") {
        None | Some("json") => Ok(Drawing::Json),
        Some("svg") => Ok(Drawing::Svg),
        Some(_) => Err(StatusCode::BAD_REQUEST),
    }
}

fn log_query(pairs: &Pairs) -> Result<LogQuery, StatusCode> {
    let wrong = |_: NotANumber| StatusCode::BAD_REQUEST;
    let run = pairs.number("run").map_err(wrong)?;
    Ok(LogQuery {
        names: pairs.all("name").filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        last: whole(pairs.number("last").map_err(wrong)?.unwrap_or(LINES)).clamp(1, MOST_LINES),
        since: pairs.number("since").map_err(wrong)?,
        run: run.map(|run| u32::try_from(run).map_err(|_| StatusCode::BAD_REQUEST)).transpose()?,
        contains: pairs.get("contains").unwrap_or_default().to_owned(),
    })
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<Route, StatusCode> {
        let (method, uri) = text.split_once(' ').unwrap();
        find(&method.parse().unwrap(), &uri.parse().unwrap())
    }

    fn confirm(verb: Verb, name: &str) -> Route {
        Route::Confirm(Confirm { verb, name: name.to_owned() })
    }

    #[test]
    fn old_addresses_stay_where_they_are() {
        assert_eq!(at("GET /"), Ok(Route::Index));
        assert_eq!(at("GET /index.html"), Ok(Route::Index));
        assert_eq!(at("GET /?message=hello"), Ok(Route::Index));
        assert_eq!(at("GET /index.html?action=refresh"), Ok(Route::Index));
        assert_eq!(at("GET /ok.html"), Ok(Route::Ok));
        let tail = |name: &str, limit| Ok(Route::Tail { name: name.to_owned(), limit });
        assert_eq!(at("GET /tail.html?processname=cat%3Acat_0&limit=2048"), tail("cat:cat_0", 2048));
        assert_eq!(at("GET /tail.html?processname=cat&limit=5"), tail("cat", 1024));
        assert_eq!(at("GET /tail.html?processname=cat&limit=x"), tail("cat", 1024));
        assert_eq!(at("GET /tail.html?limit=99999999999"), tail("", 1 << 20));
    }

    #[test]
    fn old_links_to_changes_lead_to_a_question() {
        assert_eq!(at("GET /index.html?processname=web&action=stop"), Ok(confirm(Verb::Stop, "web")));
        assert_eq!(at("GET /?action=start&processname=a%3Ab"), Ok(confirm(Verb::Start, "a:b")));
        assert_eq!(at("HEAD /?action=restart&processname=web"), Ok(confirm(Verb::Restart, "web")));
        assert_eq!(at("GET /?action=clearlog&processname=web"), Ok(confirm(Verb::Clear, "web")));
        assert_eq!(at("GET /?action=stopall"), Ok(confirm(Verb::Stop, "all")));
        assert_eq!(at("GET /?action=restartall"), Ok(confirm(Verb::Restart, "all")));
        assert_eq!(at("GET /?action=stop"), Err(StatusCode::BAD_REQUEST));
        assert_eq!(at("GET /?action=explode&processname=web"), Err(StatusCode::BAD_REQUEST));
        assert_eq!(at("POST /?action=stopall"), Err(StatusCode::METHOD_NOT_ALLOWED));
    }

    #[test]
    fn only_a_post_changes_something() {
        for verb in Verb::ALL {
            let path = format!("/api/v1/{}", verb.as_str());
            assert_eq!(at(&format!("POST {path}")), Ok(Route::Change(verb)));
            for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
                assert_eq!(at(&format!("{method} {path}")), Err(StatusCode::METHOD_NOT_ALLOWED), "{method} {path}");
            }
        }
        assert_eq!(at("POST /api/v1/session"), Ok(Route::Login));
        assert_eq!(at("GET /api/v1/session"), Ok(Route::Session));
        assert_eq!(at("PUT /api/v1/session"), Err(StatusCode::METHOD_NOT_ALLOWED));
        assert_eq!(at("POST /api/v1/open"), Ok(Route::Open));
        assert_eq!(at("GET /api/v1/open"), Err(StatusCode::METHOD_NOT_ALLOWED));
    }

    #[test]
    fn logs_are_asked_for_by_name_number_run_and_text() {
        let Ok(Route::Logs(query)) = at("GET /api/v1/logs?name=web&name=db&last=20&run=2&since=9&contains=a+b") else {
            panic!("no logs")
        };
        assert_eq!((query.names, query.last), (vec!["web".to_owned(), "db".to_owned()], 20));
        assert_eq!((query.run, query.since, query.contains.as_str()), (Some(2), Some(9), "a b"));
        let Ok(Route::LogStream(query)) = at("GET /api/v1/logs/stream?last=999999999") else { panic!("no stream") };
        assert_eq!((query.names, query.last), (vec![], 5000));
        assert_eq!(at("GET /api/v1/logs?last=many"), Err(StatusCode::BAD_REQUEST));
        assert_eq!(at("GET /api/v1/logs?run=99999999999"), Err(StatusCode::BAD_REQUEST));
        assert_eq!(at("HEAD /api/v1/logs/stream"), Err(StatusCode::METHOD_NOT_ALLOWED));
    }

    #[test]
    fn names_in_paths_are_decoded_and_nothing_else_is_there() {
        assert_eq!(at("GET /api/v1/programs/a%3Ab%2F..%2Fc"), Ok(Route::Program("a:b/../c".to_owned())));
        assert_eq!(at("GET /api/v1/graph?format=svg"), Ok(Route::Graph(Drawing::Svg)));
        assert_eq!(at("GET /api/v1/graph?format=gif"), Err(StatusCode::BAD_REQUEST));
        for path in ["/api/v1/", "/api/v1/programs/", "/api/v2/status", "/api/v1/nothing", "/assets/../Cargo.toml"] {
            assert_eq!(at(&format!("GET {path}")), Err(StatusCode::NOT_FOUND), "{path}");
        }
        assert!(matches!(at("GET /style.css"), Ok(Route::Asset(_))));
        assert!(!is_ours("/RPC2") && !is_ours("/logtail/web") && !is_ours("/mainlogtail") && is_ours("/api/x"));
    }
}
