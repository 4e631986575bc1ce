//! The `[supervisorctl]` section of a supervisord.conf (supervisor `options.py` `ClientOptions.read_config`).
//!
//! Only that section is looked at, and no include is followed, as there.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::codec::ini::{self, Ini, IniError};

/// Where a server is looked for when the section names none.
pub const DEFAULT_URL: &str = "http://localhost:9001";

/// What the section says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// `serverurl`.
    pub server_url: Option<String>,
    /// `username`.
    pub username: Option<String>,
    /// `password`.
    pub password: Option<String>,
    /// `prompt`.
    pub prompt: Option<String>,
    /// `history_file`.
    pub history: Option<PathBuf>,
    /// Sections of plugins, which are in Python.
    pub plugins: Vec<String>,
}

/// What values are expanded with.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The directory of the file, for `%(here)s`.
    pub here: &'a Path,
    /// What a relative path starts from.
    pub directory: &'a Path,
    /// For `%(ENV_NAME)s`, and HOME for `~`.
    pub environment: &'a BTreeMap<String, String>,
}

/// Why there is no such section.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfError {
    /// A line makes no sense.
    #[error(transparent)]
    Line(#[from] IniError),
    /// It is not there.
    #[error("there is no [supervisorctl] section")]
    NoSection,
    /// A value has an expansion that means nothing.
    #[error("the value of {option} in [supervisorctl] has a % that means nothing: {value}")]
    Expansion {
        /// The option.
        option: String,
        /// Its value.
        value: String,
    },
}

/// Reads the section.
pub fn read(text: &str, place: &Place<'_>) -> Result<Section, ConfError> {
    let Ini { sections, errors } = ini::parse(text);
    if let Some(error) = errors.into_iter().next() {
        return Err(error.into());
    }
    let named = |name: &str| sections.iter().find(|section| section.name == name);
    let own = named("supervisorctl").ok_or(ConfError::NoSection)?;
    let value = |option: &str| {
        let mut entries = own.entries.iter().chain(named(ini::DEFAULTS).into_iter().flat_map(|all| &all.entries));
        entries.find(|entry| entry.key == option).map(|entry| expand(option, &entry.value, place)).transpose()
    };
    let plugins = sections.iter().filter(|section| section.name.starts_with("ctlplugin:"));
    Ok(Section {
        plugins: plugins.map(|section| section.name.clone()).collect(),
        server_url: value("serverurl")?.map(|url| match url.strip_prefix("unix://") {
            Some(path) => format!("unix://{}", absolute(path, place).display()),
            None => url,
        }),
        username: value("username")?,
        password: value("password")?,
        prompt: value("prompt")?,
        history: value("history_file")?.filter(|file| !file.is_empty()).map(|file| absolute(&file, place)),
    })
}

fn expand(option: &str, value: &str, place: &Place<'_>) -> Result<String, ConfError> {
    let error = || ConfError::Expansion { option: option.to_owned(), value: value.to_owned() };
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (name, after) = after.strip_prefix('(').and_then(|after| after.split_once(")s")).ok_or_else(error)?;
        match (name, name.strip_prefix("ENV_").and_then(|name| place.environment.get(name))) {
            ("here", _) => out.push_str(&place.here.to_string_lossy()),
            (_, Some(found)) => out.push_str(found),
            (_, None) => return Err(error()),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// A path from the root, with `~` replaced and dots taken out.
fn absolute(path: &str, place: &Place<'_>) -> PathBuf {
    let home = place.environment.get("HOME").filter(|_| path == "~" || path.starts_with("~/"));
    let path = match home {
        Some(home) => PathBuf::from(format!("{home}{}", &path[1..])),
        None => place.directory.join(path),
    };
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            Component::RootDir | Component::Normal(_) | Component::Prefix(_) => normal.push(component),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_it(text: &str) -> Result<Section, ConfError> {
        let environment = [("HOME".to_owned(), "/home/ann".to_owned()), ("PORT".to_owned(), "9002".to_owned())].into();
        let place = Place { here: Path::new("/etc/sup"), directory: Path::new("/work"), environment: &environment };
        read(text, &place)
    }

    #[test]
    fn the_section_is_read_with_its_comments_and_expansions() {
        let section = read_it(
            "; main\n[supervisord]\nusername = no\n[supervisorctl]\nServerURL: http://localhost:%(ENV_PORT)s ; here\n\
             username=ann\n# off\npassword = a;b%%c\nprompt = shop\nhistory_file = ~/.h/../hist\n[other]\nprompt=x\n",
        )
        .unwrap();
        assert_eq!(section.server_url.as_deref(), Some("http://localhost:9002"));
        assert_eq!(section.username.as_deref(), Some("ann"));
        assert_eq!(section.password.as_deref(), Some("a;b%c"));
        assert_eq!(section.prompt.as_deref(), Some("shop"));
        assert_eq!(section.history, Some("/home/ann/hist".into()));
    }

    #[test]
    fn a_socket_is_named_from_where_we_are_or_from_the_file() {
        let url = |value: &str| read_it(&format!("[supervisorctl]\nserverurl={value}")).unwrap().server_url.unwrap();
        assert_eq!(url("unix://%(here)s/s.sock"), "unix:///etc/sup/s.sock");
        assert_eq!(url("unix://run/./s.sock"), "unix:///work/run/s.sock");
    }

    #[test]
    fn sections_of_one_name_are_one_and_the_last_value_wins() {
        let section = read_it("[supervisorctl]\nprompt=a\nusername=u\n[x]\n[supervisorctl]\nprompt=b\n").unwrap();
        assert_eq!((section.prompt.as_deref(), section.username.as_deref()), (Some("b"), Some("u")));
    }

    #[test]
    fn what_is_missing_or_means_nothing_is_told() {
        assert_eq!(read_it("[supervisord]\n"), Err(ConfError::NoSection));
        for value in ["50%", "%(ENV_NOPE)s", "%(here)d", "%(host_node_name)s"] {
            assert!(read_it(&format!("[supervisorctl]\nprompt={value}")).is_err(), "{value}");
        }
        assert_eq!(
            read_it("[supervisorctl]\nprompt\n").unwrap_err().to_string(),
            "line 2: it is neither [section] nor option = value"
        );
    }
}
