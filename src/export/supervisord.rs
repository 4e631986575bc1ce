//! supervisord.conf. It knows priorities and no dependencies, so programs start in the order of the graph, without waiting.

use crate::export::graph::GraphView;
use crate::export::unit::{Hosts, Site, Unit, left_out, own_env_files, project_env_files, units};
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
    for mut unit in units(site, Hosts::Loopback) {
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
        let is_sayable = |value: &str| !(value.contains('"') && value.contains('\''));
        let (kept, unsaid): (Vec<_>, Vec<_>) =
            std::mem::take(&mut unit.environment).into_iter().partition(|(_, value)| is_sayable(value));
        unit.environment = kept;
        for (name, _) in unsaid {
            unit.remark(format!("{name} is left out: a value with both kinds of quotes cannot stand in environment="));
        }
        text.push('\n');
        // It cannot count ports up, so every instance that has one stands for itself.
        if unit.ports.is_empty() || unit.count() == 1 {
            text.push_str(&section(&unit, wave, &unit.program.instances[0], unit.count()));
        } else {
            let names: Vec<&str> = unit.program.instances.iter().map(|one| one.name.process.as_str()).collect();
            for instance in &unit.program.instances {
                text.push_str(&section(&unit, wave, instance, 1));
                text.push('\n');
            }
            text.put(format_args!("[group:{}]\nprograms={}\n", unit.name(), names.join(",")));
        }
        exported.remarks.extend(unit.remarks);
    }
    exported.files.push(ExportedFile { path: "supervisord.conf".to_owned(), text });
    exported
}

fn section(unit: &Unit<'_>, wave: usize, instance: &Instance, count: usize) -> String {
    let program = unit.program;
    let name = if count == 1 { instance.name.process.as_str() } else { unit.name() };
    let mut text = format!("[program:{name}]\n");
    for remark in &unit.remarks {
        text.put(format_args!("; {remark}\n"));
    }
    let words: Vec<String> = unit.run.words().iter().map(|word| quoted(word)).collect();
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

/// A word as its shlex takes it; a comment begins at a blank and a `;` or `#`, even inside of quotes.
fn quoted(word: &str) -> String {
    let word = escaped(word).replace('\n', " ");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,$".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    // Before a `;` no shell needs the blank.
    let word = word.replace(" ;", ";");
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
