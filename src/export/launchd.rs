//! Property lists of launchd, one a process. It knows neither order nor checks.

use crate::export::unit::{Hosts, Site, Unit, left_out, own_env_files, process_labels, project_env_files, units};
use crate::export::{ExportFormat, Exported, ExportedFile};
use crate::model::program::Instance;
use crate::model::{Autorestart, Grow};

/// `run export launchd`.
pub const FORMAT: ExportFormat =
    ExportFormat { name: "launchd", doc: "property lists for ~/Library/LaunchAgents", render };

fn render(site: &Site<'_>) -> Exported {
    let mut exported = Exported { remarks: left_out(site), ..Exported::default() };
    for file in project_env_files(site) {
        exported.remarks.push(format!("launchd does not read {file}"));
    }
    let labels = process_labels(site, plain);
    for mut unit in units(site, Hosts::Loopback) {
        if !unit.needs.is_empty() {
            let needs: Vec<&str> = unit.needs.iter().map(|need| need.program.as_str()).collect();
            unit.remark(format!(
                "launchd does not wait for {}: it is started again until that is there",
                needs.join(", ")
            ));
        }
        if unit.ready.is_some() {
            unit.remark("launchd has no ready checks");
        }
        for file in own_env_files(site, &unit) {
            unit.remark(format!("launchd does not read {file}"));
        }
        for instance in &unit.program.instances {
            if let Some(remark) = labels.remark(&instance.name.to_string()) {
                unit.remark(format!("{} {remark}", instance.name));
            }
        }
        for instance in &unit.program.instances {
            let label = format!("runup.{}.{}", plain(site.name), labels.get(&instance.name.to_string()));
            let text = property_list(&label, &unit, instance);
            exported.files.push(ExportedFile { path: format!("{label}.plist"), text });
        }
        exported.remarks.extend(unit.remarks);
    }
    exported
}

/// A name without the dots that separate the parts of a label.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn string(text: &str) -> String {
    format!("<string>{}</string>", escaped(text))
}

fn property_list(label: &str, unit: &Unit<'_>, instance: &Instance) -> String {
    let program = unit.program;
    let mut text =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
                    \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
            .to_owned();
    for remark in &unit.remarks {
        text.put(format_args!("<!-- {} -->\n", escaped(remark).replace("--", "- -")));
    }
    text.push_str("<plist version=\"1.0\">\n<dict>\n");
    let mut key = |name: &str, value: &str| text.put(format_args!("  <key>{name}</key>\n  {value}\n"));
    key("Label", &string(label));
    let words: Vec<String> = unit.run.words().iter().map(|word| format!("    {}\n", string(word))).collect();
    key("ProgramArguments", &format!("<array>\n{}  </array>", words.concat()));
    key("WorkingDirectory", &string(&unit.directory));
    let ports = unit.ports.iter().map(|(name, port)| (name.clone(), (u32::from(*port) + instance.number).to_string()));
    let variables: Vec<String> = unit
        .environment
        .iter()
        .cloned()
        .chain(ports)
        .chain([("RUN_INSTANCE".to_owned(), instance.number.to_string())])
        .map(|(name, value)| format!("    <key>{}</key>\n    {}\n", escaped(&name), string(&value)))
        .collect();
    key("EnvironmentVariables", &format!("<dict>\n{}  </dict>", variables.concat()));
    key("RunAtLoad", if program.autostart { "<true/>" } else { "<false/>" });
    match program.autorestart {
        Autorestart::Always => key("KeepAlive", "<true/>"),
        Autorestart::Unexpected => {
            key("KeepAlive", "<dict>\n    <key>SuccessfulExit</key>\n    <false/>\n  </dict>");
        }
        Autorestart::Never => {}
    }
    key("ExitTimeOut", &format!("<integer>{}</integer>", program.stopwaitsecs.as_secs()));
    if let Some(mask) = program.umask {
        key("Umask", &format!("<integer>{mask}</integer>"));
    }
    text.push_str("</dict>\n</plist>\n");
    text
}
