//! A job of Nomad: one group a program. A task that a program needs runs before it, in the group of the program.

use crate::export::unit::{
    Hosts, Ready, Site, Unit, left_out, own_env_files, program_labels, project_env_files, units,
};
use crate::export::{ExportFormat, Exported, ExportedFile};
use crate::model::{Autorestart, Grow};

/// `run export nomad`.
pub const FORMAT: ExportFormat = ExportFormat { name: "nomad", doc: "a job file for nomad job run", render };

fn render(site: &Site<'_>) -> Exported {
    let mut exported = Exported { remarks: left_out(site), ..Exported::default() };
    exported
        .remarks
        .push("programs run by raw_exec on the machine of the agent; docker and exec are other drivers".to_owned());
    for file in project_env_files(site) {
        exported.remarks.push(format!("{file} is not read; a template block with env = true can"));
    }
    let mut text =
        format!("# {} by `run export nomad`\njob {} {{\n  type = \"service\"\n", site.name, string(&label(site.name)));
    let all = units(site, Hosts::Loopback);
    let labels = program_labels(site, label);
    for mut unit in all.clone().into_iter().filter(|unit| !unit.program.is_task()) {
        for need in unit.needs.clone() {
            let is_task = all.iter().any(|other| other.program.name == need.program && other.program.is_task());
            if !is_task {
                unit.remark(format!(
                    "Nomad does not wait for {}: it is started again until that is there",
                    need.program
                ));
            }
        }
        if let Some(Ready::Log(_) | Ready::Notify | Ready::File(_)) = unit.ready {
            unit.remark("its ready check has no like in Nomad");
        }
        for file in own_env_files(site, &unit) {
            unit.remark(format!("{file} is not read; a template block with env = true can"));
        }
        if let (Some(remark), true) = (labels.remark(unit.name()), unit.main_port().is_some()) {
            unit.remark(format!("its service {remark}"));
        }
        text.push_str(&group(&unit, &all, labels.get(unit.name())));
        exported.remarks.extend(unit.remarks);
    }
    let waited: Vec<&str> = all.iter().flat_map(|unit| &unit.needs).map(|need| need.program.as_str()).collect();
    for task in all.iter().filter(|unit| unit.program.is_task() && !waited.contains(&unit.name())) {
        exported.remarks.push(format!("{}: nothing waits for this task, so it is in no group", task.name()));
    }
    text.push_str("}\n");
    exported.files.push(ExportedFile { path: format!("{}.nomad.hcl", label(site.name)), text });
    exported
}

fn label(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_".contains(c) { c } else { '-' }).collect()
}

/// A string of HCL, in which `${` and `%{` would begin a template.
fn string(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{}\"", text.replace("${", "$${").replace("%{", "%%{"))
}

fn group(unit: &Unit<'_>, all: &[Unit<'_>], label_of_service: &str) -> String {
    let mut text = format!("\n  group {} {{\n", string(unit.name()));
    for remark in &unit.remarks {
        text.put(format_args!("    # {remark}\n"));
    }
    let count = if unit.program.autostart { unit.count() } else { 0 };
    text.put(format_args!("    count = {count}\n"));
    if !unit.ports.is_empty() {
        text.push_str("    network {\n");
        for (name, port) in &unit.ports {
            text.put(format_args!("      port {} {{ static = {port} }}\n", string(&label(&name.to_lowercase()))));
        }
        text.push_str("    }\n");
    }
    text.push_str(&service(unit, label_of_service));
    let mode = if unit.program.autorestart == Autorestart::Never { "fail" } else { "delay" };
    let attempts = if unit.program.autorestart == Autorestart::Never { 0 } else { unit.program.startretries };
    text.put(format_args!(
        "    restart {{\n      attempts = {attempts}\n      interval = \"5m\"\n      delay    = \"1s\"\n      mode     = \"{mode}\"\n    }}\n"
    ));
    // What a task prepares is prepared before the program, in its own group.
    for need in &unit.needs {
        if let Some(task) = all.iter().find(|other| other.program.name == need.program && other.program.is_task()) {
            text.push_str(&task_block(task, true));
        }
    }
    text.push_str(&task_block(unit, false));
    text.push_str("  }\n");
    text
}

fn service(unit: &Unit<'_>, name: &str) -> String {
    if unit.main_port().is_none() {
        return String::new();
    }
    let check = match &unit.ready {
        Some(Ready::Tcp(_)) => "        type     = \"tcp\"\n".to_owned(),
        Some(Ready::Http(url)) => {
            let path = Ready::port_and_path(url).map_or("/".to_owned(), |(_, path)| path);
            format!("        type     = \"http\"\n        path     = {}\n", string(&path))
        }
        Some(Ready::Exec(_) | Ready::Log(_) | Ready::Notify | Ready::File(_)) | None => String::new(),
    };
    let mut text = format!(
        "    service {{\n      provider = \"nomad\"\n      name     = {}\n      port     = \"port\"\n",
        string(name)
    );
    if !check.is_empty() {
        text.put(format_args!(
            "      check {{\n{check}        interval = \"5s\"\n        timeout  = \"5s\"\n      }}\n"
        ));
    }
    text.push_str("    }\n");
    text
}

fn task_block(unit: &Unit<'_>, is_before: bool) -> String {
    let mut text = format!("    task {} {{\n      driver = \"raw_exec\"\n", string(unit.name()));
    if is_before {
        text.push_str("      lifecycle {\n        hook    = \"prestart\"\n        sidecar = false\n      }\n");
    }
    let words = unit.run.words();
    let words = if unit.directory.is_empty() { words } else { within(&unit.directory, &words) };
    let (first, rest) = words.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    let arguments: Vec<String> = rest.iter().map(|word| string(word)).collect();
    text.put(format_args!(
        "      config {{\n        command = {}\n        args    = [{}]\n      }}\n",
        string(first),
        arguments.join(", ")
    ));
    let ports = unit.ports.iter().map(|(name, port)| (name.clone(), port.to_string()));
    let variables: Vec<(String, String)> = unit.environment.iter().cloned().chain(ports).collect();
    text.push_str("      env {\n");
    for (name, value) in variables {
        text.put(format_args!("        {} = {}\n", string(&name), string(&value)));
    }
    text.push_str("        \"RUN_INSTANCE\" = \"${NOMAD_ALLOC_INDEX}\"\n      }\n");
    text.put(format_args!(
        "      kill_signal  = \"{}\"\n      kill_timeout = \"{}s\"\n    }}\n",
        unit.program.stopsignal,
        unit.program.stopwaitsecs.as_secs()
    ));
    text
}

/// `raw_exec` starts in a directory of Nomad's own.
fn within(directory: &str, words: &[String]) -> Vec<String> {
    let mut all =
        vec!["/bin/sh".to_owned(), "-c".to_owned(), "cd \"$0\" && exec \"$@\"".to_owned(), directory.to_owned()];
    all.extend(words.iter().cloned());
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_no_template() {
        assert_eq!(string("a ${b} \"%{c}"), r#""a $${b} \"%%{c}""#);
    }
}
