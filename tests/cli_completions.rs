//! The completion scripts in `completions/` are what the binary prints, and what they ask is answered.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail where they stand, as the test may")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use run::cli::completions::{self, Shell};

/// Set to write the files instead of comparing them.
const BLESS: &str = "UPDATE_GENERATED";

fn file_of(shell: Shell) -> PathBuf {
    let name = match shell {
        Shell::Bash => "run.bash",
        Shell::Zsh => "_run",
        Shell::Fish => "run.fish",
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

#[test]
fn the_scripts_are_up_to_date() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let script = completions::script(shell).unwrap();
        if std::env::var_os(BLESS).is_some() {
            fs::write(file_of(shell), &script).unwrap();
        }
        let there = fs::read(file_of(shell)).unwrap_or_default();
        assert!(there == script, "{} is stale: {BLESS}=1 cargo test --test cli_completions", file_of(shell).display());
    }
}

/// What bash is told for a line whose last word is being typed.
fn offered(directory: &Path, words: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_run"))
        .args(["--", "run"])
        .args(words)
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .env("XDG_RUNTIME_DIR", directory)
        .env(completions::ASK_VARIABLE, "bash")
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n")
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn project() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(".git")).unwrap();
    let config = "[program.web]\ncommand = [\"sleep\", \"1\"]\nprofiles = [\"full\"]\n\
                  [program.mail]\ncommand = [\"sleep\", \"1\"]\nnumprocs = 2\n";
    fs::write(directory.path().join("run.toml"), config).unwrap();
    directory
}

#[test]
fn commands_and_names_of_the_config_are_offered_when_nothing_runs() {
    let project = project();
    assert_eq!(offered(project.path(), &["sta"]), ["status", "start"]);
    assert_eq!(offered(project.path(), &["why", "w"]), ["web"]);
    assert_eq!(offered(project.path(), &["up", "m"]), ["mail", "mail:mail_0", "mail:mail_1"]);
    assert_eq!(offered(project.path(), &["up", "--profile", "f"]), ["full"]);
    assert_eq!(offered(project.path(), &["signal", "US"]), ["USR1", "USR2"]);
}

#[test]
fn a_line_may_name_another_directory() {
    let (project, elsewhere) = (project(), tempfile::tempdir().unwrap());
    let there = project.path().to_str().unwrap();
    assert_eq!(offered(elsewhere.path(), &["-C", there, "stop", "w"]), ["web"]);
}

#[test]
fn a_broken_config_offers_nothing_and_says_nothing() {
    let project = project();
    fs::write(project.path().join("run.toml"), "[program.").unwrap();
    assert!(offered(project.path(), &["stop", "w"]).is_empty());
}

/// bash hands `mail:mail_` to its functions as three words.
#[test]
fn bash_completes_names_with_a_colon() {
    let project = project();
    let script = r#"
        PATH=$RUN_AT:$PATH; source "$SCRIPT"
        COMP_WORDS=(run stop mail : mail_) COMP_CWORD=4 COMP_LINE='run stop mail:mail_' COMP_POINT=19 COMP_TYPE=9
        _run run mail_ : 2>/dev/null
        echo "${COMPREPLY[*]}""#;
    let binary = Path::new(env!("CARGO_BIN_EXE_run"));
    let output = Command::new("bash")
        .args(["--norc", "-c", script])
        .current_dir(project.path())
        .env("HOME", project.path())
        .env("XDG_RUNTIME_DIR", project.path())
        .env("RUN_AT", binary.parent().unwrap())
        .env("SCRIPT", file_of(Shell::Bash))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "mail_0 mail_1");
}
