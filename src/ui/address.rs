//! How the project was addressed, so that a line to type next means the same one.

/// What a line to type begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `run`, with the `-C` and `-p` that were typed, quoted for a shell.
    pub program: String,
    /// ` -f FILE` for each that was typed, quoted for a shell.
    pub files: String,
}

impl Default for Address {
    fn default() -> Self {
        Self { program: "run".to_owned(), files: String::new() }
    }
}

impl Address {
    /// The whole line for a command and its arguments. Whoever is up is found without its files; only what starts it needs them.
    pub fn line(&self, command: &str) -> String {
        match command.split(' ').next() {
            Some("projects") => format!("run {command}"),
            Some("up" | "check") => format!("{}{} {command}", self.program, self.files),
            _ => format!("{} {command}", self.program),
        }
    }

    /// A line of help whose command is written as if we had been called as plain `run`: `run down        stops it`. One that
    /// addresses a project itself stays, and so does what is no command.
    pub fn hint(&self, hint: &str) -> String {
        match hint.strip_prefix("run ") {
            Some(rest) if !rest.starts_with('-') => self.line(rest),
            _ => hint.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elsewhere() -> Address {
        Address { program: "run -C shop -p two".to_owned(), files: " -f dev.toml".to_owned() }
    }

    #[test]
    fn what_was_typed_to_address_the_project_is_typed_again() {
        assert_eq!(Address::default().line("why api"), "run why api");
        assert_eq!(elsewhere().line("why api"), "run -C shop -p two why api");
        assert_eq!(elsewhere().line("up -d"), "run -C shop -p two -f dev.toml up -d");
        assert_eq!(elsewhere().line("projects"), "run projects", "the machine has only one of these");
    }

    #[test]
    fn a_hint_that_addresses_a_project_or_is_no_command_stays() {
        assert_eq!(elsewhere().hint("run down        stops it"), "run -C shop -p two down        stops it");
        assert_eq!(elsewhere().hint("run -p NAME up …     beside it"), "run -p NAME up …     beside it");
        assert_eq!(elsewhere().hint("port = \"auto\" gives it one"), "port = \"auto\" gives it one");
    }
}
