//! What is asked of the loader: the files and what the command line and the environment say about them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::model::{EnvOrder, ProbeSchema, ReloadMode};

/// Everything that decides what a project becomes, apart from the texts themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Canonical directory of the main file; relative paths in the config start here.
    pub root: PathBuf,
    /// The config files in the order of `-f`, the main one first; absolute. Each file's name decides its format.
    pub files: Vec<PathBuf>,
    /// The project's name when the config has none.
    pub fallback_name: String,
    /// `--profile`.
    pub profiles: Vec<String>,
    /// Programs named on the command line: they and what they need are active whatever their profiles.
    pub names: Vec<String>,
    /// `-m all=1,web=2`.
    pub formation: Vec<(String, u32)>,
    /// `--port 6000`: the base of a Procfile's ports.
    pub base_port: Option<u16>,
    /// `--port api=3111`.
    pub port_overrides: Vec<(String, u16)>,
    /// The environment at the start.
    pub shell: BTreeMap<String, String>,
    /// Which wins when the shell and an env file both set a variable.
    pub env_order: EnvOrder,
    /// `--reload`; `None`: what the config says.
    pub reload: Option<ReloadMode>,
    /// `--keep-going`: a Procfile's failures are repeated instead of ending the run.
    pub keep_going: bool,
    /// `up -- CMD`: a project of this one command; `files` is not looked at.
    pub one_off: Option<Vec<String>>,
    /// What is loaded by supervisord's own command; `None` for all of ours.
    pub as_supervisord: Option<AsSupervisord>,
}

/// What supervisord's command line says. Whatever their names, the files are in supervisord's format.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AsSupervisord {
    /// Where it was started: there relative paths begin, and there its programs run (supervisor `options.py` `normalize_path`).
    pub started_in: PathBuf,
    /// Options of `[supervisord]` that beat those of the file, as they would be written there.
    pub options: Vec<(&'static str, String)>,
}

/// The words that other layers add to the config. Handed in, so that `config` stays below them.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary {
    /// The kinds of ready check.
    pub probes: &'static [ProbeSchema],
}
