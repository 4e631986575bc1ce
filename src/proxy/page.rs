//! What a person reads where there is nothing to carry: what runs, or why a program does not answer yet. Pure.
//!
//! The list has names, states and links, and nothing else: no paths, commands or output.

use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use crate::codec::markup::escaped;
use crate::model::local_name;
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::model::units::human_duration;
use crate::proxy::names::main_port;

/// A page, for a browser and for others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// What is the matter, in one line.
    pub title: String,
    /// What more there is to say.
    pub text: Vec<String>,
    /// What runs.
    pub rows: Vec<Row>,
    /// Whether a browser asks again by itself.
    pub reloads: bool,
}

/// A line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The project or the program.
    pub name: String,
    /// Where it is found; `None` for a project and for a program without a port.
    pub link: Option<String>,
    /// Its state.
    pub state: String,
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:3em auto;padding:0 1em;color-scheme:light dark}\
h1{font-size:1.4em}td{padding:.1em 1.5em .1em 0}";

impl Page {
    fn new(status: u16, title: impl Into<String>) -> Self {
        Self { status, title: title.into(), text: Vec::new(), rows: Vec::new(), reloads: false }
    }

    fn with(mut self, line: impl Into<String>) -> Self {
        self.text.push(line.into());
        self
    }

    fn listing(mut self, projects: &[Rc<ProjectStatus>], port: u16) -> Self {
        self.rows = projects.iter().flat_map(|project| rows(project, port)).collect();
        if self.rows.is_empty() {
            self.text.push("No project is running.".to_owned());
        }
        self
    }

    /// For a browser.
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        let refresh = if self.reloads { "<meta http-equiv=\"refresh\" content=\"1\">" } else { "" };
        let mut html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">{refresh}<title>{title}</title>\
             <style>{STYLE}</style></head><body><h1>{title}</h1>"
        );
        for line in &self.text {
            // Writing into a String cannot fail.
            let _ = write!(html, "<p>{}</p>", escaped(line));
        }
        if !self.rows.is_empty() {
            html.push_str("<table>");
            for row in &self.rows {
                let name = escaped(&row.name);
                let cells = match &row.link {
                    Some(link) => format!("<td><a href=\"{0}\">{name}</a></td><td>{0}</td>", escaped(link)),
                    None => format!("<td>{name}</td><td></td>"),
                };
                let _ = write!(html, "<tr>{cells}<td>{}</td></tr>", escaped(&row.state));
            }
            html.push_str("</table>");
        }
        html.push_str("</body></html>\n");
        html
    }

    /// For everybody else.
    pub fn plain(&self) -> String {
        let mut text = format!("{}\n", self.title);
        for line in &self.text {
            let _ = writeln!(text, "{line}");
        }
        for Row { name, link, state } in &self.rows {
            let _ = writeln!(text, "{}", format!("{name}  {}  {state}", link.as_deref().unwrap_or("")).trim_end());
        }
        text
    }
}

/// What runs, at the proxy's own name.
pub fn everything(projects: &[Rc<ProjectStatus>], port: u16) -> Page {
    Page::new(200, "What runs here").listing(projects, port)
}

/// What one project has.
pub fn project(status: &Rc<ProjectStatus>, port: u16) -> Page {
    Page::new(200, status.project.clone()).listing(std::slice::from_ref(status), port)
}

/// Nobody is called so.
pub fn unknown(host: &str, projects: &[Rc<ProjectStatus>], port: u16) -> Page {
    Page::new(404, format!("Nothing that runs is called {host}")).listing(projects, port)
}

/// The project has no program of that name.
pub fn no_program(host: &str, status: &Rc<ProjectStatus>, port: u16) -> Page {
    Page::new(404, format!("{} has no program that {host} would lead to", status.project))
        .listing(std::slice::from_ref(status), port)
}

/// Several projects share a name.
pub fn several(names: &[String]) -> Page {
    let name = names.first().map_or("", String::as_str);
    Page::new(409, format!("{} running projects are called {name}", names.len()))
        .with("Give one of them another name: name = \"…\" in its run.toml, or run -p NAME up.")
}

/// The program is not ready.
pub fn not_ready(process: &ProcessStatus) -> Page {
    let since = human_duration(Duration::from_millis(process.for_ms));
    let mut page = Page::new(503, format!("{} is {} ({since})", process.name, process.state));
    page.reloads = true;
    if !process.note.is_empty() {
        page = page.with(process.note.clone());
    }
    page.with(format!("run why {} says more. This page asks again every second.", process.name))
}

/// It is said to be ready, and nobody listens.
pub fn nobody_listens(process: &ProcessStatus, port: u16) -> Page {
    let mut page =
        Page::new(503, format!("{} is {}, but nobody listens at its port {port}", process.name, process.state));
    page.reloads = true;
    page.with("It has to listen at the port that it finds in PORT. This page asks again every second.")
}

/// It has gone away in the middle of an answer.
pub fn broken(process: &ProcessStatus) -> Page {
    Page::new(502, format!("{} closed the connection without an answer", process.name))
        .with(format!("run logs {} may say why.", process.name))
}

/// The program has no port.
pub fn no_port(process: &ProcessStatus) -> Page {
    Page::new(404, format!("{} has no port", process.name)).with("port = \"auto\" in its section gives it one.")
}

/// The project does not answer.
pub fn silent(project: &str) -> Page {
    let mut page = Page::new(503, format!("{project} is up but does not answer"));
    page.reloads = true;
    page
}

/// The port is the proxy's own.
pub fn circle(process: &ProcessStatus) -> Page {
    Page::new(508, format!("the port of {} is the proxy's own", process.name))
}

/// A name from elsewhere. It learns nothing.
pub fn foreign() -> Page {
    Page::new(421, "Only names below .localhost lead anywhere here")
}

/// A connection too many.
pub fn too_many() -> Page {
    Page::new(503, "Too many connections at once")
}

/// A method that no program is asked by.
pub fn no_tunnel() -> Page {
    Page::new(405, "This proxy makes no tunnels")
}

fn rows(project: &ProjectStatus, port: u16) -> Vec<Row> {
    let head = Row { name: project.project.clone(), link: None, state: project.state.clone() };
    let programs = project.processes.iter().filter(|process| !process.ports.is_empty()).map(|process| {
        let own_name = process.name.rsplit(':').next().unwrap_or_default();
        Row {
            name: process.name.clone(),
            link: main_port(process).map(|_| local_name::url(own_name, &project.project, port)),
            state: process.state.to_string(),
        }
    });
    std::iter::once(head).chain(programs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Word;
    use crate::ui::sample_status as sample;

    #[test]
    fn the_list_has_names_states_and_links_and_nothing_secret() {
        let shop = Rc::new(sample::shop());
        let page = unknown("nope.localhost", &[Rc::clone(&shop)], 7777);
        assert_eq!(page.status, 404);
        let text = page.plain();
        assert!(text.starts_with("Nothing that runs is called nope.localhost\nshop    running\n"), "{text}");
        assert!(text.contains("api  http://api.shop.localhost:7777  ready\n"), "{text}");
        for secret in ["/home/ann", "./bin", "bad credentials"] {
            assert!(!page.html().contains(secret) && !text.contains(secret), "{secret} in {text}");
        }
    }

    #[test]
    fn a_page_about_what_is_not_ready_says_why_and_asks_again() {
        let web = ProcessStatus {
            state: Word::Starting,
            note: "not ready yet: tcp 127.0.0.1:3102 refused, try 4".into(),
            ..sample::process("web", 0)
        };
        let page = not_ready(&web);
        assert_eq!(page.status, 503);
        assert!(page.html().contains("http-equiv=\"refresh\""));
        assert!(
            page.plain().starts_with("web is starting (4m10s)\nnot ready yet: tcp 127.0.0.1:3102 refused, try 4\n")
        );
    }

    #[test]
    fn names_cannot_become_markup() {
        let page = unknown("<script>alert(1)</script>\"'&", &[], 7777);
        assert!(page.html().contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
        assert!(!page.html().contains("<script"));
    }

    #[test]
    fn a_foreign_name_learns_nothing() {
        assert_eq!(foreign().plain(), "Only names below .localhost lead anywhere here\n");
    }
}
