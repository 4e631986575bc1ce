//! What process-compose makes of a text: variables of the environment, templates of `vars`, and the shell that a command runs under.

use crate::codec::tree::Node;
use crate::import::draft::Value;
use crate::import::{holes, parts};

/// What the whole file says about its texts.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    /// `$NAME` is filled in; otherwise a dollar sign means nothing.
    fills_variables: bool,
    /// Names and values of `vars`.
    vars: Vec<(String, String)>,
    /// What runs a command line: a program and its options.
    shell: Vec<String>,
}

impl Texts {
    /// What a project says.
    pub(super) fn of(project: &Node) -> Self {
        let word = |key: &str| project.get("shell")?.get(key)?.text();
        let program = word("shell_command").unwrap_or("bash");
        let options = word("shell_argument").unwrap_or("-c").split_whitespace();
        Self {
            fills_variables: project.get("disable_env_expansion").and_then(Node::boolean) != Some(true),
            vars: vars(project),
            shell: std::iter::once(program).chain(options).map(ToOwned::to_owned).collect(),
        }
    }

    /// With the `vars` of a process, which come before those of the project.
    pub(super) fn within(&self, process: &Node) -> Self {
        let vars = [vars(process), self.vars.clone()].concat();
        Self { vars, ..self.clone() }
    }

    /// A text with its templates filled, and whether there was nothing else in them than names of `vars`. The number of the
    /// instance is `instance`, where one can be told.
    pub(super) fn filled(&self, text: &str, instance: Option<&str>) -> (String, bool) {
        let mut out = String::new();
        let mut is_whole = true;
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((inner, behind)) = after.split_once("}}") else { break };
            let name = inner.trim_matches(['-', ' ']).strip_prefix('.').unwrap_or_default();
            let known = self.vars.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str());
            let known = known.or_else(|| instance.filter(|_| name == "PC_REPLICA_NUM"));
            out.push_str(before);
            if let Some(value) = known {
                out.push_str(value);
            } else {
                is_whole = false;
                out.push_str(&rest[before.len()..rest.len() - behind.len()]);
            }
            rest = behind;
        }
        out.push_str(rest);
        (out, is_whole)
    }

    /// A value of run.toml: its variables as `${NAME}`.
    pub(super) fn value(&self, text: &str) -> holes::Filled {
        if self.fills_variables {
            holes::interpolated(text)
        } else {
            holes::Filled { text: holes::literal(text), settled: Vec::new() }
        }
    }

    /// A line for the shell, which fills in variables itself.
    pub(super) fn line(&self, text: &str) -> String {
        if self.fills_variables { holes::for_shell(text) } else { text.to_owned() }
    }

    /// A command line as a command of run.toml: under the shell that is asked for, where sh would not understand the same.
    pub(super) fn command(&self, line: String) -> Value {
        let program = self.shell.first().map(|path| path.rsplit('/').next().unwrap_or(path));
        let is_usual = self.shell.get(1).is_none_or(|option| option == "-c") && self.shell.len() <= 2;
        let needs_it = match program {
            Some("sh" | "dash") if is_usual => false,
            Some("bash") if is_usual => needs_bash(&line),
            _ => true,
        };
        if needs_it { Value::texts(self.shell.iter().cloned().chain([line])) } else { Value::Text(line) }
    }

    /// [`Self::command`] for a check, which is a line.
    pub(super) fn check(&self, line: String) -> String {
        match self.command(line) {
            Value::List(words) => {
                let words =
                    words.into_iter().filter_map(|word| if let Value::Text(word) = word { Some(word) } else { None });
                let words: Vec<String> = words.collect();
                let (line, shell) =
                    words.split_last().map_or((String::new(), &[][..]), |(line, shell)| (line.clone(), shell));
                format!("{} '{}'", parts::shell_line(shell), line.replace('\'', "'\\''"))
            }
            Value::Text(line) => line,
            Value::Integer(_) | Value::Boolean(_) | Value::Table(_) => String::new(),
        }
    }
}

/// The variables of templates that have a plain value.
fn vars(node: &Node) -> Vec<(String, String)> {
    let entries = node.get("vars").and_then(Node::table).unwrap_or_default();
    entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.value.text()?.to_owned()))).collect()
}

/// Whether a line has something in it that bash understands and other shells do not, or differently.
fn needs_bash(line: &str) -> bool {
    const MARKS: [&str; 12] =
        ["[[ ", "pipefail", "<(", ">(", "<<<", "&>", "|&", "shopt ", "BASH_", "$'", "declare ", "mapfile "];
    let begins =
        |command: &str| ["source ", "function ", "local "].iter().any(|word| command.trim_start().starts_with(word));
    let has_brace =
        |mark: &str| line.split("${").skip(1).any(|rest| rest.split('}').next().is_some_and(|x| x.contains(mark)));
    MARKS.iter().any(|mark| line.contains(mark))
        || line.split(['\n', ';', '&', '|', '{']).any(begins)
        || ["//", "^^", ",,", "[", "!"].iter().any(|mark| has_brace(mark))
        || line.contains("..") && line.split('{').skip(1).any(is_range)
}

/// `1..5}` and what follows it.
fn is_range(rest: &str) -> bool {
    let Some((range, _)) = rest.split_once('}') else { return false };
    let is_end = |end: &str| !end.is_empty() && end.chars().all(|c| c.is_ascii_alphanumeric());
    range.split_once("..").is_some_and(|(from, to)| is_end(from) && is_end(to))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::yaml;

    fn texts(project: &str) -> Texts {
        Texts::of(&yaml::parse(project).unwrap())
    }

    #[test]
    fn templates_get_the_values_of_vars() {
        let texts =
            texts("vars: {PORT: 80, HOST: there, LIST: [1]}").within(&yaml::parse("vars: {HOST: here}").unwrap());
        assert_eq!(texts.filled("{{ .HOST }}:{{.PORT}}{{- .PORT -}}", None), ("here:8080".to_owned(), true));
        assert_eq!(texts.filled("a{{.PC_REPLICA_NUM}}", Some("${N}")), ("a${N}".to_owned(), true));
        for text in ["a{{.PC_REPLICA_NUM}}", "{{or .HOST 1}}", "x {{.LIST}} {{.NONE}} }}", "{{ .HOST"] {
            let (filled, is_whole) = texts.filled(text, None);
            assert_eq!((filled.as_str(), is_whole), (text, text == "{{ .HOST"), "{text}");
        }
    }

    #[test]
    fn a_command_runs_under_the_shell_that_understands_it() {
        let usual = texts("a: 1");
        for plain in ["npm start", "a && b ${C:-d} 2>&1", "x $((1+1)) ${HOME}/..", "echo '{..}' | sort", "{ a; }"] {
            assert_eq!(usual.command(plain.to_owned()), Value::text(plain));
        }
        for line in [
            "[[ -e a ]] && b",
            "set -euo pipefail\na",
            "cd a; source .env",
            "for i in {1..5}; do a; done",
            "echo ${A//b/c}",
            "a &> b",
            "f() { local x=1; }",
        ] {
            assert_eq!(usual.command(line.to_owned()), Value::texts(["bash", "-c", line]), "{line}");
        }
        let zsh = texts("shell: {shell_command: /bin/zsh, shell_argument: '-e -c'}");
        assert_eq!(zsh.command("a".to_owned()), Value::texts(["/bin/zsh", "-e", "-c", "a"]));
        assert_eq!(zsh.check("it's".to_owned()), "/bin/zsh -e -c 'it'\\''s'");
        assert_eq!(texts("shell: {shell_command: sh}").command("[[ a".to_owned()), Value::text("[[ a"));
    }

    #[test]
    fn a_dollar_sign_means_nothing_where_the_file_says_so() {
        let texts = texts("disable_env_expansion: true");
        assert_eq!(texts.value("a $B ${C}").text, "a $B $${C}");
        assert_eq!(texts.line("kill $$"), "kill $$");
    }
}
