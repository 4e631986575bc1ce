//! What is drawn here and not by the page's script: the state as it was when the page was asked for, the question before a change that
//! an old link asks for, and the end of a log. Pure; everything that comes from outside is escaped.

use std::time::Duration;

use super::assets::FRAME;
use super::route::{Confirm, Verb};
use crate::codec::markup::escaped;
use crate::codec::percent::encoded;
use crate::model::Word;
use crate::model::status::{ProcessStatus, ProjectStatus};
use crate::model::units::human_duration;

/// The page; without a status it has nothing of the project in it.
pub(super) fn index(status: Option<&ProjectStatus>) -> String {
    let Some(status) = status else { return frame("runup", "login", "") };
    let rows: String = status.processes.iter().map(row).collect();
    let main = format!(
        "<h1>{}</h1>\n<table class=\"programs\">\n<thead><tr><th scope=\"col\">Program</th><th scope=\"col\">State</th>\
         <th scope=\"col\">Note</th><th scope=\"col\">PID</th><th scope=\"col\">For</th></tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n",
        escaped(&status.project)
    );
    frame(&status.project, "app", &main)
}

fn row(process: &ProcessStatus) -> String {
    let pid = if process.pid == 0 { String::new() } else { process.pid.to_string() };
    format!(
        "<tr class=\"program s-{word}\"><th scope=\"row\"><a href=\"tail.html?processname={link}\">{name}</a></th>\
         <td class=\"state\">{word} <span class=\"wire\">{wire}</span></td><td class=\"note\">{note}</td>\
         <td class=\"num\">{pid}</td><td class=\"num\">{since}</td></tr>\n",
        word = process.state,
        link = encoded(&process.name),
        name = escaped(&process.name),
        wire = escaped(&process.supervisord_state),
        note = escaped(&process.note),
        since = if process.state == Word::Off {
            String::new()
        } else {
            human_duration(Duration::from_millis(process.for_ms))
        },
    )
}

/// The question whether a change is meant.
pub(super) fn confirm(asked: &Confirm) -> String {
    let question = match asked.verb {
        Verb::Start => "Start",
        Verb::Stop => "Stop",
        Verb::Restart => "Restart",
        Verb::Clear => "Clear the log of",
    };
    let doing = asked.verb.as_str();
    let everybody = asked.name == "all";
    let name = if everybody { "all programs".to_owned() } else { escaped(&asked.name) };
    let main = format!(
        "<section class=\"sheet\" data-verb=\"{doing}\" data-name=\"{target}\">\n<h1>{question} <bdi>{name}</bdi>?</h1>\n\
         <p>A link asked for this. Nothing has been done yet.</p>\n\
         <p class=\"row\"><button type=\"button\" id=\"confirm\" class=\"primary\">{question} <bdi>{name}</bdi></button> \
         <a class=\"button\" href=\"./\">Leave it</a></p>\n<p id=\"outcome\" role=\"status\"></p>\n</section>\n",
        target = escaped(&asked.name),
    );
    frame(&format!("{doing}?"), "confirm", &main)
}

/// The end of a log.
pub(super) fn tail(name: &str, limit: usize, text: &str) -> String {
    let (link, shown) = (encoded(name), escaped(name));
    let main = format!(
        "<section class=\"sheet wide\">\n<h1>Tail of <bdi>{shown}</bdi></h1>\n\
         <p class=\"row\"><a class=\"button\" href=\"tail.html?processname={link}&amp;limit={limit}\">Refresh</a> \
         <a class=\"button\" href=\"./#/logs/{link}\">Follow it</a> <a class=\"button\" href=\"./\">All programs</a></p>\n\
         <pre class=\"tail\" tabindex=\"0\">{}</pre>\n</section>\n",
        escaped(text)
    );
    frame(&format!("tail of {name}"), "tail", &main)
}

fn frame(title: &str, view: &str, main: &str) -> String {
    // Cut before anything is put in: what is put in may have a mark in it.
    let mut html = String::with_capacity(FRAME.len() + main.len());
    let mut rest = FRAME;
    for (mark, text) in [("{title}", escaped(title).as_str()), ("{view}", view), ("{main}", main)] {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        html.push_str(before);
        html.push_str(text);
        rest = after;
    }
    html + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "<img src=x onerror=\"alert('1')\">&{main}";

    fn process(name: &str) -> ProcessStatus {
        serde_json::from_value(serde_json::json!({
            "name": name, "program": name, "kind": "program", "place": 0, "state": "failed", "supervisord_state": "FATAL",
            "for_ms": 61_000, "since": 0, "runs": 4, "unasked_runs": 3, "pid": 0, "ports": [], "url": null, "cpu_percent": null,
            "memory": null, "note": HOSTILE, "last_exit": "exited 1", "exit_code": 1, "ready_after_ms": null, "ready_since": null,
            "needs": [], "needed_by": [], "probe": null, "history": [], "command": "secret", "directory": "/", "off_because": "",
            "retry_in_ms": null
        }))
        .unwrap()
    }

    fn status(names: &[&str]) -> ProjectStatus {
        ProjectStatus {
            schema: 1,
            project: HOSTILE.to_owned(),
            root: "/src/shop".to_owned(),
            files: Vec::new(),
            pid: 1,
            started: 0,
            up_ms: 0,
            state: "running".to_owned(),
            ends_by_itself: false,
            processes: names.iter().map(|name| process(name)).collect(),
            notes: Vec::new(),
        }
    }

    /// The tags of a page, in order.
    fn tags(html: &str) -> Vec<&str> {
        html.split('<').skip(1).filter_map(|rest| rest.split([' ', '>', '\n']).next()).collect()
    }

    #[test]
    fn a_page_shows_each_program_with_both_its_states() {
        let html = index(Some(&status(&["web", "worker:worker_0"])));
        for text in [
            "<tr class=\"program s-failed\">",
            "worker:worker_0",
            "tail.html?processname=worker%3Aworker_0",
            "FATAL",
            "1m01s",
        ] {
            assert!(html.contains(text), "{text} is not in {html}");
        }
    }

    #[test]
    fn no_name_and_no_note_becomes_markup() {
        let (tame, wild) = (index(Some(&status(&["web"]))), index(Some(&status(&[HOSTILE]))));
        assert_eq!(tags(&tame), tags(&wild));
        assert!(!wild.contains("onerror=\""));
        let ask = |name: &str| confirm(&Confirm { verb: Verb::Stop, name: name.to_owned() });
        assert_eq!(tags(&ask("web")), tags(&ask(HOSTILE)));
        assert_eq!(tags(&tail("web", 1024, "")), tags(&tail(HOSTILE, 1024, HOSTILE)));
    }

    #[test]
    fn without_a_session_the_page_has_nothing_in_it() {
        let html = index(None);
        assert!(html.contains("data-view=\"login\"") && !html.contains("<table"));
    }

    #[test]
    fn a_question_says_what_it_is_about_and_that_nothing_was_done() {
        let html = confirm(&Confirm { verb: Verb::Clear, name: "web".to_owned() });
        assert!(
            html.contains("<h1>Clear the log of <bdi>web</bdi>?</h1>") && html.contains("Nothing has been done yet")
        );
        assert!(html.contains("data-verb=\"clear\" data-name=\"web\""));
        let html = confirm(&Confirm { verb: Verb::Stop, name: "all".to_owned() });
        assert!(html.contains("Stop <bdi>all programs</bdi>") && html.contains("data-name=\"all\""));
    }
}
