//! Units of systemd, one a process, and a target that starts them all.

use std::time::Duration;

use crate::export::labels::Labels;
use crate::export::unit::{Hosts, Ready, Run, Site, Unit, left_out, process_labels, units};
use crate::export::{ExportFormat, Exported, ExportedFile};
use crate::model::program::Instance;
use crate::model::{Autorestart, Dependency, Grow, Kind};

/// `run export systemd`.
pub const FORMAT: ExportFormat =
    ExportFormat { name: "systemd", doc: "units and a target, for systemctl or systemctl --user", render };

fn render(site: &Site<'_>) -> Exported {
    let mut exported = Exported { remarks: left_out(site), ..Exported::default() };
    let target = format!("{}.target", plain(site.name));
    exported.files.push(ExportedFile {
        path: target.clone(),
        text: format!("[Unit]\nDescription={}\n\n[Install]\nWantedBy=default.target\n", literal(site.name)),
    });
    if !site.project.env_files.is_empty() {
        exported.remarks.push("what an EnvironmentFile says wins there over Environment=, PORT included".to_owned());
    }
    let all = units(site, Hosts::Loopback);
    let names = Names { project: plain(site.name), labels: process_labels(site, plain) };
    for mut unit in all.clone() {
        if let Some(Ready::Log(_)) = unit.ready {
            unit.remark("systemd does not read its output: it counts as ready when it runs");
        }
        for instance in &unit.program.instances {
            if let Some(remark) = names.labels.remark(&instance.name.to_string()) {
                unit.remark(format!("{} {remark}", instance.name));
            }
        }
        for instance in &unit.program.instances {
            let text = service(site, &unit, instance, (&all, &names), &target);
            exported.files.push(ExportedFile { path: names.of(instance), text });
        }
        exported.remarks.extend(unit.remarks);
    }
    exported
}

/// What may stand in the name of a unit.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

/// What the units are called.
struct Names {
    project: String,
    labels: Labels,
}

impl Names {
    fn of(&self, instance: &Instance) -> String {
        format!("{}-{}.service", self.project, self.labels.get(&instance.name.to_string()))
    }
}

/// The units of everything that a dependency means.
fn needed((all, names): (&[Unit<'_>], &Names), need: &Dependency) -> String {
    let found = all.iter().filter(|unit| unit.program.name == need.program);
    let names = found.flat_map(|unit| &unit.program.instances).map(|instance| names.of(instance));
    names.collect::<Vec<_>>().join(" ")
}

fn service(site: &Site<'_>, unit: &Unit<'_>, instance: &Instance, all: (&[Unit<'_>], &Names), target: &str) -> String {
    let program = unit.program;
    let mut text = String::new();
    for remark in &unit.remarks {
        text.put(format_args!("# {remark}\n"));
    }
    let description = literal(&format!("{}: {}", site.name, instance.name));
    text.put(format_args!("[Unit]\nDescription={description}\nPartOf={target}\n"));
    for need in &unit.needs {
        let names = needed(all, need);
        let word = match (need.optional, need.restart) {
            (true, _) => "Wants",
            (false, true) => "BindsTo",
            (false, false) => "Requires",
        };
        text.put(format_args!("{word}={names}\nAfter={names}\n"));
    }
    if program.autorestart != Autorestart::Never {
        let burst = program.startretries.saturating_add(1);
        text.put(format_args!("StartLimitIntervalSec=300\nStartLimitBurst={burst}\n"));
    }
    text.push_str("\n[Service]\n");
    text.push_str(match (program.kind, &unit.ready) {
        (Kind::Task, _) => "Type=oneshot\nRemainAfterExit=yes\n",
        (Kind::Program, Some(Ready::Notify)) => "Type=notify\nNotifyAccess=all\n",
        (Kind::Program, _) => "Type=exec\n",
    });
    text.put(format_args!("WorkingDirectory={}\n", literal(&unit.directory)));
    for file in site.project.env_files.iter().chain(&program.env_files) {
        let dash = if file.optional { "-" } else { "" };
        text.put(format_args!("EnvironmentFile={dash}{}\n", literal(&file.path.to_string_lossy())));
    }
    for (name, value) in &unit.environment {
        text.put(format_args!("Environment={}\n", quoted(&format!("{name}={value}"), false)));
    }
    for (name, port) in &unit.ports {
        let port = u64::from(*port) + u64::from(instance.number);
        text.put(format_args!("Environment={name}={port}\n"));
    }
    let name = quoted(&format!("RUN_PROGRAM={}", unit.name()), false);
    text.put(format_args!("Environment={name} RUN_INSTANCE={}\n", instance.number));
    text.put(format_args!("ExecStart={}\n", command(&unit.run)));
    if let (Kind::Program, Some(check)) = (program.kind, unit.ready.as_ref().and_then(Ready::as_command)) {
        let wait = format!("until {check}; do sleep 0.2; done");
        text.put(format_args!("ExecStartPost=/bin/sh -c {}\n", quoted(&wait, true)));
        let timeout = program.ready.as_ref().and_then(|ready| ready.timeout);
        text.push_str(
            &timeout.map_or("TimeoutStartSec=infinity\n".to_owned(), |t| format!("TimeoutStartSec={}\n", seconds(t))),
        );
    }
    text.push_str(&life(unit));
    if program.autostart {
        text.put(format_args!("\n[Install]\nWantedBy={target}\n"));
    }
    text
}

/// How it is restarted, stopped, and as whom it runs.
fn life(unit: &Unit<'_>) -> String {
    let program = unit.program;
    let mut text = match program.autorestart {
        Autorestart::Never => "Restart=no\n".to_owned(),
        Autorestart::Unexpected => "Restart=on-failure\nRestartSec=1\n".to_owned(),
        Autorestart::Always => "Restart=always\nRestartSec=1\n".to_owned(),
    };
    if program.exitcodes != [0] {
        let codes: Vec<String> = program.exitcodes.iter().map(ToString::to_string).collect();
        text.put(format_args!("SuccessExitStatus={}\n", codes.join(" ")));
    }
    text.put(format_args!("KillSignal={}\nTimeoutStopSec={}\n", program.stopsignal, seconds(program.stopwaitsecs)));
    text.push_str(if program.stopasgroup { "KillMode=control-group\n" } else { "KillMode=mixed\n" });
    if let Some(user) = &program.user {
        text.put(format_args!("User={user}\n"));
    }
    if let Some(mask) = program.umask {
        text.put(format_args!("UMask={mask:04o}\n"));
    }
    text
}

fn seconds(duration: Duration) -> String {
    if duration.subsec_millis() == 0 { duration.as_secs().to_string() } else { format!("{}ms", duration.as_millis()) }
}

/// systemd looks for the first word itself; what a shell would read goes through one.
fn command(run: &Run) -> String {
    run.words().iter().map(|word| quoted(word, true)).collect::<Vec<_>>().join(" ")
}

/// Text in which nothing is filled in: `%` begins a specifier (systemd.unit(5)).
fn literal(text: &str) -> String {
    text.replace('%', "%%")
}

/// A word between double quotes (systemd.syntax(7)); in a command line `$` begins a variable.
fn quoted(word: &str, is_command: bool) -> String {
    let word = literal(word);
    let word = if is_command { word.replace('$', "$$") } else { word };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,$".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_systemd_reads_them() {
        assert_eq!(quoted("a b$c%d\"", true), "\"a b$$c%%d\\\"\"");
        assert_eq!(quoted("A=$x", false), "A=$x");
    }
}
