//! compose.yaml: one service a program, all from one image that has to be built.

use std::time::Duration;

use crate::export::labels::Labels;
use crate::export::unit::{Hosts, Ready, Site, Unit, left_out, program_labels, units};
use crate::export::yaml::{string, strings};
use crate::export::{ExportFormat, Exported, ExportedFile};
use crate::model::{Autorestart, Grow, Kind, Until};

/// `run export compose`.
pub const FORMAT: ExportFormat = ExportFormat { name: "compose", doc: "a compose.yaml for docker compose", render };

/// Where the project lies in the image.
const APP: &str = "/app";

fn render(site: &Site<'_>) -> Exported {
    let mut exported = Exported { remarks: left_out(site), ..Exported::default() };
    exported.remarks.push(
        "all programs run in the image that the Dockerfile here builds; write one, or give a service its own image"
            .to_owned(),
    );
    let mut text =
        format!("# {} by `run export compose`\nname: {}\n\nservices:\n", site.name, string(&lower(site.name)));
    let labels = program_labels(site, plain);
    for mut unit in units(site, Hosts::Names(&labels)) {
        if let Some(remark) = labels.remark(unit.name()) {
            unit.remark(remark);
        }
        if unit.main_port().is_some() {
            unit.remark("it has to listen on 0.0.0.0 there, or nobody reaches it");
        }
        if let Some(Ready::Log(_) | Ready::Notify) = unit.ready {
            unit.remark("its ready check has no like: it counts as ready when it runs");
        }
        if unit.count() > 1 && !unit.ports.is_empty() {
            unit.remark("its instances have the same port inside, and none on this machine");
        }
        if unit.count() > 1 {
            unit.remark("RUN_INSTANCE is not there: replicas have no numbers");
        }
        text.push_str(&service(site, &unit, &labels));
        exported.remarks.extend(unit.remarks);
    }
    exported.files.push(ExportedFile { path: "compose.yaml".to_owned(), text });
    exported
}

/// A name of a project as compose takes it.
fn lower(name: &str) -> String {
    name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect()
}

/// A name of a service as compose takes it.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

/// A path in the image.
fn inside(site: &Site<'_>, path: &str) -> String {
    path.strip_prefix(&site.project.root.display().to_string()).map_or(path.to_owned(), |below| format!("{APP}{below}"))
}

fn service(site: &Site<'_>, unit: &Unit<'_>, labels: &Labels) -> String {
    let program = unit.program;
    let mut text = format!("  {}:\n", string(labels.get(unit.name())));
    for remark in &unit.remarks {
        text.put(format_args!("    # {remark}\n"));
    }
    text.push_str("    build: .\n    init: true\n");
    // Compose fills in a `$` itself, unless there are two.
    let command: Vec<String> = unit.run.words().iter().map(|word| word.replace('$', "$$")).collect();
    text.put(format_args!("    command: {}\n", strings(&command)));
    text.put(format_args!("    working_dir: {}\n", string(&inside(site, &unit.directory))));
    let files: Vec<_> = site.project.env_files.iter().chain(&program.env_files).collect();
    if !files.is_empty() {
        text.push_str("    env_file:\n");
    }
    for file in files {
        let path = file.path.strip_prefix(&site.project.root).unwrap_or(&file.path).display().to_string();
        text.put(format_args!("      - path: {}\n        required: {}\n", string(&path), !file.optional));
    }
    let ports = unit.ports.iter().map(|(name, port)| (name.clone(), port.to_string()));
    let variables: Vec<(String, String)> = unit.environment.iter().cloned().chain(ports).collect();
    if !variables.is_empty() || !unit.secrets.is_empty() {
        text.push_str("    environment:\n");
    }
    for (name, value) in variables {
        text.put(format_args!("      {}: {}\n", string(&name), string(&escaped(&value, &unit.holes))));
    }
    for name in &unit.secrets {
        text.put(format_args!("      {}: ${{{name}?}}\n", string(name)));
    }
    if !unit.ports.is_empty() && unit.count() == 1 {
        let ports: Vec<String> = unit.ports.iter().map(|(_, port)| format!("127.0.0.1:{port}:{port}")).collect();
        text.put(format_args!("    ports: {}\n", strings(&ports)));
    }
    text.push_str(&depends_on(unit, labels));
    text.push_str(&healthcheck(unit));
    text.put(format_args!("    stop_signal: {}\n", program.stopsignal));
    text.put(format_args!("    stop_grace_period: {}\n", seconds(program.stopwaitsecs)));
    text.put(format_args!("    restart: {}\n", restart(program.kind, program.autorestart, program.startretries)));
    if unit.count() > 1 {
        text.put(format_args!("    deploy:\n      replicas: {}\n", unit.count()));
    }
    if !program.autostart {
        text.put(format_args!("    profiles: {}\n", strings(&["manual".to_owned()])));
    }
    text
}

/// What has to come from the environment there is a hole of compose's own; any other `$` is one.
fn escaped(value: &str, holes: &[String]) -> String {
    holes
        .iter()
        .fold(value.replace('$', "$$"), |text, name| text.replace(&format!("$${{{name}}}"), &format!("${{{name}}}")))
}

fn depends_on(unit: &Unit<'_>, labels: &Labels) -> String {
    if unit.needs.is_empty() {
        return String::new();
    }
    let mut text = "    depends_on:\n".to_owned();
    for need in &unit.needs {
        let condition = match need.until {
            Until::Started => "service_started",
            Until::Ready => "service_healthy",
            Until::Done | Until::Exited => "service_completed_successfully",
        };
        text.put(format_args!(
            "      {}:\n        condition: {condition}\n",
            string(labels.get(need.program.as_str()))
        ));
        if need.restart {
            text.push_str("        restart: true\n");
        }
        if need.optional {
            text.push_str("        required: false\n");
        }
    }
    text
}

/// A service that somebody waits for has to have a check; without one of its own it is healthy when it runs.
fn healthcheck(unit: &Unit<'_>) -> String {
    if unit.program.is_task() {
        return String::new();
    }
    let command = unit.ready.as_ref().and_then(Ready::as_command).unwrap_or_else(|| "true".to_owned());
    let ready = unit.program.ready.as_ref();
    let every = ready.map_or(Duration::from_secs(1), |ready| ready.every.max(Duration::from_secs(1)));
    let limit = ready.and_then(|ready| ready.timeout).unwrap_or(Duration::from_mins(10));
    let test = ["CMD-SHELL".to_owned(), command.replace('$', "$$")];
    format!(
        "    healthcheck:\n      test: {}\n      interval: {}\n      start_period: {}\n      start_interval: 1s\n",
        strings(&test),
        seconds(every),
        seconds(limit)
    )
}

fn restart(kind: Kind, autorestart: Autorestart, retries: u32) -> String {
    match (kind, autorestart) {
        (Kind::Task, _) | (_, Autorestart::Never) => "\"no\"".to_owned(),
        (Kind::Program, Autorestart::Unexpected) => format!("on-failure:{retries}"),
        (Kind::Program, Autorestart::Always) => "always".to_owned(),
    }
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_stays_a_hole_and_a_dollar_a_dollar() {
        assert_eq!(escaped("${A} costs 5$ in ${B}", &["A".to_owned()]), "${A} costs 5$$ in $${B}");
    }
}
