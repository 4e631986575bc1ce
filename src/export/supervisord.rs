//! supervisord.conf. It knows priorities and no dependencies, so programs start in the order of the graph, without waiting.

use crate::export::graph::GraphView;
use crate::export::labels::Labels;
use crate::export::unit::{Hosts, Run, Site, Unit, left_out, one_line, own_env_files, project_env_files, units};
use crate::export::{ExportFormat, Exported, ExportedFile};
use crate::model::program::Instance;
use crate::model::{Autorestart, Grow, Kind};

/// `run export supervisord`.
pub const FORMAT: ExportFormat = ExportFormat { name: "supervisord", doc: "a supervisord.conf", render };

fn render(site: &Site<'_>) -> Exported {
    let mut exported = Exported { remarks: left_out(site), ..Exported::default() };
    let mut text = format!(
        "; {} by `run export supervisord`\n[unix_http_server]\nfile=%(here)s/supervisor.sock\n\n[supervisord]\n\
         pidfile=%(here)s/supervisord.pid\nlogfile=%(here)s/supervisord.log\n\n[rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\n[supervisorctl]\n\
         serverurl=unix://%(here)s/supervisor.sock\n",
        site.name
    );
    for file in project_env_files(site) {
        exported.remarks.push(format!("supervisord does not read {file}; put what it says into environment="));
    }
    let waves = GraphView::of(site.project).waves;
    let all = units(site, Hosts::Loopback);
    let labels = Labels::of(all.iter().flat_map(sections));
    for mut unit in all {
        let index = site.project.programs.iter().position(|program| program.name == unit.program.name);
        let wave = waves.iter().position(|wave| index.is_some_and(|index| wave.contains(&index))).unwrap_or(0);
        if !unit.needs.is_empty() {
            let needs: Vec<String> =
                unit.needs.iter().map(|need| format!("{} ({})", need.program, need.until.as_str())).collect();
            unit.remark(format!("supervisord does not wait for {}; it starts after it by priority", needs.join(", ")));
        }
        if unit.ready.is_some() {
            unit.remark("supervisord has no ready checks; startsecs is what there is");
        }
        for file in own_env_files(site, &unit) {
            unit.remark(format!("supervisord does not read {file}; put what it says into environment="));
        }
        for (name, value) in std::mem::take(&mut unit.environment) {
            match unsayable(&value) {
                None => unit.environment.push((name, value)),
                Some(what) => {
                    unit.remark(format!("{name} is left out: a value with {what} cannot stand in environment="));
                }
            }
        }
        for (key, _) in sections(&unit) {
            if let Some(remark) = labels.remark(&key) {
                unit.remark(format!("{key} {remark}"));
            }
        }
        text.push('\n');
        let name = |instance: &Instance| labels.get(&instance.name.to_string()).to_owned();
        if stands_in_one_section(&unit) {
            let first = &unit.program.instances[0];
            text.push_str(&section(&unit, wave, first, (unit.count(), &name(first))));
        } else {
            let names: Vec<String> = unit.program.instances.iter().map(name).collect();
            for (instance, name) in unit.program.instances.iter().zip(&names) {
                text.push_str(&section(&unit, wave, instance, (1, name)));
                text.push('\n');
            }
            text.put(format_args!("[group:{}]\nprograms={}\n", unit.name(), names.join(",")));
        }
        exported.remarks.extend(unit.remarks);
    }
    exported.files.push(ExportedFile { path: "supervisord.conf".to_owned(), text });
    exported
}

/// It cannot count ports up, so every instance that has one stands for itself.
fn stands_in_one_section(unit: &Unit<'_>) -> bool {
    unit.ports.is_empty() || unit.count() == 1
}

/// The namespec of the first process of each section, and what the section is called.
fn sections(unit: &Unit<'_>) -> Vec<(String, String)> {
    let named = |instance: &Instance, name: &str| (instance.name.to_string(), name.to_owned());
    if stands_in_one_section(unit) && unit.count() > 1 {
        return vec![named(&unit.program.instances[0], unit.name())];
    }
    unit.program.instances.iter().map(|instance| named(instance, &instance.name.process)).collect()
}

fn section(unit: &Unit<'_>, wave: usize, instance: &Instance, (count, name): (usize, &str)) -> String {
    let program = unit.program;
    let mut text = format!("[program:{name}]\n");
    for remark in &unit.remarks {
        text.put(format_args!("; {remark}\n"));
    }
    let words: Vec<String> = words(&unit.run).iter().map(|word| quoted(word)).collect();
    text.put(format_args!("command={}\ndirectory={}\n", words.join(" "), escaped(&unit.directory)));
    let ports = unit.ports.iter().map(|(name, port)| (name.clone(), (u32::from(*port) + instance.number).to_string()));
    let variables = unit.environment.iter().cloned().chain(ports);
    let mut variables: Vec<String> = variables.map(|(name, value)| format!("{name}={}", variable(&value))).collect();
    let number = if count > 1 { "%(process_num)d".to_owned() } else { instance.number.to_string() };
    variables.push(format!("RUN_INSTANCE=\"{number}\""));
    text.put(format_args!("environment={}\n", variables.join(",")));
    if count > 1 {
        text.put(format_args!("numprocs={count}\nnumprocs_start={}\n", instance.number));
        text.push_str("process_name=%(program_name)s_%(process_num)d\n");
    }
    text.put(format_args!("priority={}\n", 100 * (wave + 1)));
    text.put(format_args!("autostart={}\n", program.autostart));
    let autorestart = match (program.kind, program.autorestart) {
        (Kind::Task, _) | (_, Autorestart::Never) => "false",
        (Kind::Program, Autorestart::Unexpected) => "unexpected",
        (Kind::Program, Autorestart::Always) => "true",
    };
    let codes: Vec<String> = program.exitcodes.iter().map(ToString::to_string).collect();
    text.put(format_args!(
        "autorestart={autorestart}\nstartsecs={}\nstartretries={}\nexitcodes={}\nstopsignal={}\nstopwaitsecs={}\n\
         stopasgroup={}\nkillasgroup={}\nredirect_stderr={}\n",
        program.startsecs.as_secs(),
        program.startretries,
        codes.join(","),
        program.stopsignal.to_string().trim_start_matches("SIG"),
        program.stopwaitsecs.as_secs(),
        program.stopasgroup,
        program.killasgroup || program.stopasgroup,
        program.redirect_stderr,
    ));
    if let Some(user) = &program.user {
        text.put(format_args!("user={user}\n"));
    }
    if let Some(mask) = program.umask {
        text.put(format_args!("umask={mask:03o}\n"));
    }
    text
}

/// `%` begins an expansion.
fn escaped(text: &str) -> String {
    text.replace('%', "%%")
}

/// Whether a comment begins in it: at a `;` or `#` behind a blank, even inside of quotes.
fn has_comment(text: &str) -> bool {
    text.chars().zip(text.chars().skip(1)).any(|(before, c)| before.is_whitespace() && ";#".contains(c))
}

/// What keeps a value out of `environment`.
fn unsayable(value: &str) -> Option<&'static str> {
    if value.contains('"') && value.contains('\'') {
        Some("both kinds of quotes")
    } else if value.contains('\n') {
        Some("a line break")
    } else if has_comment(value) {
        Some("a `;` or `#` behind a blank")
    } else {
        None
    }
}

/// What is run, on one line and without what would be a comment there.
fn words(run: &Run) -> Vec<String> {
    // Outside of quotes no shell needs the blank before a `;`.
    let shorter = |word: String| if word.contains(['"', '\'']) { word } else { word.replace(" ;", ";") };
    let words: Vec<String> = run.words().into_iter().map(shorter).collect();
    if !words.iter().any(|word| word.trim_end().contains('\n') || has_comment(word)) {
        return words;
    }
    let line = match run {
        Run::Words(_) => format!("exec {}", run.line()),
        Run::Line(line) => line.clone(),
    };
    vec!["/bin/sh".to_owned(), "-c".to_owned(), one_line(&line, &[';', '#'])]
}

/// A word as its shlex takes it.
fn quoted(word: &str) -> String {
    let word = escaped(word.trim_end_matches('\n'));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,$".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A value between quotes, which supervisord does not unescape. What the environment has to say it can fill in.
fn variable(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        out.put(format_args!("{}%(ENV_{name})s", escaped(before)));
        rest = behind;
    }
    out.push_str(&escaped(rest));
    let value = out;
    if value.contains('"') { format!("'{value}'") } else { format!("\"{value}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_comment_begins_in_a_command() {
        let line = |line: &str| words(&Run::Line(line.to_owned())).pop().unwrap();
        assert_eq!(line("echo 1 ; echo 2"), "echo 1; echo 2");
        assert_eq!(line("echo 'a ;b'"), r#"eval "$(printf 'echo '\''a \073b'\''')""#);
        assert_eq!(line("echo 1 # one\necho 2\n"), r#"eval "$(printf 'echo 1 \043 one\necho 2')""#);
        let array = Run::Words(["sh", "-c", "echo 1\necho 2"].map(ToOwned::to_owned).to_vec());
        assert_eq!(words(&array)[2], r#"eval "$(printf 'exec sh -c '\''echo 1\necho 2'\''')""#);
    }

    #[test]
    fn a_value_that_would_be_cut_is_not_written() {
        assert_eq!(unsayable("a;b#c"), None);
        assert_eq!(unsayable("a ;b"), Some("a `;` or `#` behind a blank"));
        assert_eq!(unsayable("a\nb"), Some("a line break"));
    }
}
