//! Procfile: one line a program. It knows neither order nor checks, and its tools end with the first program that ends.

use crate::export::unit::{Hosts, Run, Site, Unit, left_out, one_line, program_labels, shell_word, units};
use crate::export::{ExportFormat, Exported, ExportedFile};
use crate::model::Grow;

/// `run export procfile`.
pub const FORMAT: ExportFormat = ExportFormat { name: "procfile", doc: "a Procfile for foreman and its kin", render };

fn render(site: &Site<'_>) -> Exported {
    let mut exported = Exported { remarks: left_out(site), ..Exported::default() };
    let mut text = format!("# {} by `run export procfile`\n", site.name);
    let mut counts = Vec::new();
    let labels = program_labels(site, plain);
    for mut unit in units(site, Hosts::Loopback) {
        let name = labels.get(unit.name()).to_owned();
        if let Some(remark) = labels.remark(unit.name()) {
            unit.remark(remark);
        }
        if !unit.needs.is_empty() {
            let needs: Vec<&str> = unit.needs.iter().map(|need| need.program.as_str()).collect();
            unit.remark(format!("a Procfile does not wait for {}", needs.join(", ")));
        }
        if unit.count() > 1 {
            counts.push(format!("{name}={}", unit.count()));
        }
        let line = line(site, &unit);
        if unit.program.is_task() {
            unit.remark("a task is no program of a Procfile; run it before: see its line");
        }
        for remark in &unit.remarks {
            text.put(format_args!("# {remark}\n"));
        }
        let mark = if unit.program.is_task() || !unit.program.autostart { "# " } else { "" };
        text.put(format_args!("{mark}{name}: {line}\n"));
        exported.remarks.extend(unit.remarks);
    }
    if !counts.is_empty() {
        exported.remarks.push(format!("several instances: foreman start -m all=1,{}", counts.join(",")));
    }
    exported.files.push(ExportedFile { path: "Procfile".to_owned(), text });
    exported
}

/// Letters, digits, `_`, `-` and `.`.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '-' }).collect()
}

/// The directory, the variables, the command.
fn line(site: &Site<'_>, unit: &Unit<'_>) -> String {
    let mut line = String::new();
    if unit.directory != site.project.root.display().to_string() {
        let below = unit.directory.strip_prefix(&format!("{}/", site.project.root.display()));
        line.put(format_args!("cd {} && ", shell_word(below.unwrap_or(&unit.directory))));
    }
    let ports = unit.ports.iter().map(|(name, port)| (name.clone(), port.to_string()));
    let variables: Vec<String> = unit
        .environment
        .iter()
        .cloned()
        .chain(ports)
        .map(|(name, value)| format!("{name}={}", shell_word(&value)))
        .collect();
    let command = unit.run.line();
    match unit.run {
        _ if variables.is_empty() => line.push_str(&command),
        Run::Words(_) => line.put(format_args!("env {} {command}", variables.join(" "))),
        Run::Line(_) => line.put(format_args!("export {}; {command}", variables.join(" "))),
    }
    one_line(&line, &[])
}
