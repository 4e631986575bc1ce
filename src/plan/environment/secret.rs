//! Which values of an environment are not to be shown, and what is shown instead.

/// What stands for a secret.
const MASK: &str = "***";

/// Whether a variable looks like a secret: by its name, or because its value has a URL with a user in it.
pub fn looks_secret(name: &str, value: &str) -> bool {
    has_secret_name(name) || mask_users(value) != value
}

/// The value as it may be shown: a secret hidden, with as much of its URLs as does no harm.
pub(super) fn mask(name: &str, value: &str) -> String {
    if has_secret_name(name) && !value.is_empty() { MASK.to_owned() } else { mask_users(value) }
}

fn has_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL"].iter().any(|word| name.contains(word)) || name.ends_with("_PWD")
}

/// Hides the user part of every URL in a text. A password may hold a raw `/`, so with a `:` before it the user part is
/// looked for beyond the slash; that hides the path of some harmless URLs, too.
fn mask_users(value: &str) -> String {
    let mut shown = String::new();
    let mut rest = value;
    while let Some(found) = rest.find("://") {
        let (before, url) = rest.split_at(found + "://".len());
        shown.push_str(before);
        let end = url.find(|c: char| c.is_whitespace() || "\"'<>".contains(c)).unwrap_or(url.len());
        let host_end = url[..end].find(['/', '?', '#']).unwrap_or(end);
        let searched = if url[..host_end].contains(':') { &url[..end] } else { &url[..host_end] };
        rest = match searched.rfind('@') {
            Some(at) => {
                shown.push_str(MASK);
                &url[at..]
            }
            None => url,
        };
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_name() {
        for name in ["GITHUB_TOKEN", "secret", "DB_PASSWORD", "PGPASS", "AWS_ACCESS_KEY_ID", "api_key", "MYSQL_PWD"] {
            assert!(looks_secret(name, "x"), "{name}");
            assert_eq!(mask(name, "x"), "***", "{name}");
        }
        for name in ["PATH", "PWD", "OLDPWD", "HOME", "RAILS_ENV"] {
            assert!(!looks_secret(name, "/x"), "{name}");
            assert_eq!(mask(name, "/x"), "/x", "{name}");
        }
        assert_eq!(mask("TOKEN", ""), "");
    }

    #[test]
    fn urls_with_a_user_are_secrets_whose_host_may_be_seen() {
        for (value, shown) in [
            ("postgres://me:hunter2@db.local:5432/shop", "postgres://***@db.local:5432/shop"),
            ("redis://:hunter2@h", "redis://***@h"),
            ("https://ghp_x@github.com/a", "https://***@github.com/a"),
            ("postgres://me:hun/ter2@h/x", "postgres://***@h/x"),
            ("postgres://me:hun@ter2@h/x", "postgres://***@h/x"),
            ("a=amqp://u:p@h, b=amqp://u:q@i", "a=amqp://***@h, b=amqp://***@i"),
        ] {
            assert!(looks_secret("URL", value), "{value}");
            assert_eq!(mask("URL", value), shown);
        }
        for value in ["http://127.0.0.1:5000/x", "me@example.org", "https://cdn/@scope/x", "://", "a://b c@d"] {
            assert!(!looks_secret("URL", value), "{value}");
            assert_eq!(mask("URL", value), value);
        }
    }
}
