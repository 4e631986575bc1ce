//! Programs that put themselves into the background, and what keeps each of them in the foreground.

use super::command::Command;

/// What is known of one such program. The options are those of its own manual.
struct Known {
    /// What it is called.
    names: &'static [&'static str],
    /// Any of these in its command line sends it to the background.
    leaves: &'static [&'static str],
    /// Without any of these it goes there by itself; empty: it does so only when told to.
    stays: &'static [&'static str],
    /// What to do, after `to keep it in the foreground, `.
    advice: &'static str,
}

const fn when_told(names: &'static [&'static str], leaves: &'static [&'static str], advice: &'static str) -> Known {
    Known { names, leaves, stays: &[], advice }
}

const fn by_itself(names: &'static [&'static str], stays: &'static [&'static str], advice: &'static str) -> Known {
    Known { names, leaves: &[], stays, advice }
}

/// The table. What `stays` names also has the options after which it is no server at all (`nginx -t`), or reads a file that may say
/// so (`nginx -c`).
const KNOWN: &[Known] = &[
    by_itself(
        &["nginx"],
        &["daemon off", "-c", "-p", "-t", "-T", "-v", "-V", "-s", "-h"],
        "run it as nginx -g 'daemon off;'",
    ),
    by_itself(
        &["httpd", "apache2"],
        &["-DFOREGROUND", "-D FOREGROUND", "-DNO_DETACH", "-X", "-t", "-v", "-V", "-S", "-M", "-l", "-L"],
        "add -DFOREGROUND",
    ),
    when_told(&["apachectl", "apache2ctl"], &["start", "-k start"], "run it with -DFOREGROUND instead of start"),
    when_told(&["redis-server", "valkey-server", "keydb-server"], &["--daemonize yes"], "say --daemonize no"),
    when_told(
        &["pg_ctl", "pg_ctlcluster"],
        &["start", "restart"],
        "run postgres -D DIRECTORY itself instead of pg_ctl",
    ),
    when_told(&["postgres", "postmaster"], &[], "run postgres -D DIRECTORY itself instead of pg_ctl"),
    when_told(&["mysqld", "mariadbd"], &["--daemonize", "-D"], "leave out --daemonize"),
    when_told(&["mongod", "mongos"], &["--fork"], "leave out --fork"),
    when_told(&["memcached"], &["-d", "--daemon"], "leave out -d"),
    when_told(&["php-fpm"], &["-D", "--daemonize"], "add --nodaemonize"),
    by_itself(&["sshd"], &["-D", "-d", "-t", "-T", "-i", "-V"], "add -D"),
    by_itself(&["cron", "crond"], &["-f", "-n", "-x"], "add -f (crond of cronie: -n)"),
    by_itself(&["rsyslogd"], &["-n", "-N", "-v"], "add -n"),
    by_itself(&["syslog-ng"], &["-F", "--foreground", "-s", "-V"], "add -F"),
    by_itself(&["lighttpd"], &["-D", "-t", "-tt", "-1", "-v", "-V", "-h", "-p"], "add -D"),
    by_itself(&["dnsmasq"], &["-k", "-d", "--keep-in-foreground", "--no-daemon", "--test", "-v"], "add -k"),
    when_told(&["haproxy"], &["-D"], "leave out -D, or add -db"),
    when_told(&["squid"], &[], "add --foreground"),
    when_told(&["varnishd"], &[], "add -F"),
    when_told(&["named"], &[], "add -f"),
    when_told(&["gunicorn"], &["--daemon", "-D"], "leave out --daemon"),
    when_told(&["unicorn", "unicorn_rails", "rackup", "thin"], &["-D", "--daemonize", "-d"], "leave out -D"),
    when_told(&["puma"], &["-d", "--daemon"], "leave out --daemon"),
    when_told(&["uwsgi"], &["-d", "--daemonize"], "leave out --daemonize"),
    when_told(&["celery"], &["--detach", "multi start"], "leave out --detach"),
    when_told(&["rabbitmq-server"], &["-detached"], "leave out -detached"),
    when_told(&["caddy"], &["start"], "say caddy run instead of caddy start"),
    when_told(&["pm2"], &["start"], "say pm2-runtime instead of pm2"),
    when_told(&["openvpn"], &["--daemon"], "leave out --daemon"),
];

/// What keeps a program in the foreground; `None` for one that is not known. A name is the file's, or what the system keeps of it.
pub fn advice(name: &str) -> Option<&'static str> {
    known(name).map(|known| known.advice)
}

/// What to do against a command that visibly goes to the background; `None` where nothing says that it does.
pub fn leaves_by_itself(command: &Command) -> Option<(String, &'static str)> {
    let is_shell = !matches!(command, Command::Words(_));
    let text = command.display();
    let line = text.trim_end();
    if is_shell && line.ends_with('&') && !line.ends_with("&&") {
        return Some(("this ends with `&`".to_owned(), "leave out the & at the end"));
    }
    if is_shell && ["&&", "||", "|", "\n"].iter().any(|joint| line.contains(joint)) {
        return None;
    }
    let words: Vec<&str> = line.split_whitespace().map(|word| word.trim_matches(['\'', '"'])).collect();
    let is_prefix = |word: &&&str| **word == "exec" || **word == "env" || word.contains('=');
    let at = words.iter().take_while(is_prefix).count();
    let name = file_name(words.get(at)?);
    let known = known(name)?;
    let rest = format!(" {} ", words[at + 1..].join(" ").replace('=', " "));
    let has = |option: &&str| rest.contains(&format!(" {option} ")) || rest.contains(&format!(" {option};"));
    if let Some(told) = known.leaves.iter().find(|option| has(option)) {
        return Some((format!("{name} goes to the background with {told}"), known.advice));
    }
    let goes = !known.stays.is_empty() && !known.stays.iter().any(has);
    goes.then(|| (format!("{name} goes to the background by itself"), known.advice))
}

/// The row of a name; `php-fpm8.3` is a `php-fpm`.
fn known(name: &str) -> Option<&'static Known> {
    let name = file_name(name).trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    KNOWN.iter().find(|known| known.names.contains(&name))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Template;

    fn said(line: &str) -> Option<String> {
        leaves_by_itself(&Command::Line(Template::literal(line))).map(|(what, advice)| format!("{what}: {advice}"))
    }

    #[test]
    fn what_is_told_to_go_to_the_background_is_seen() {
        let redis = "redis-server goes to the background with --daemonize yes: say --daemonize no";
        assert_eq!(said("redis-server --port 7000 --daemonize yes").as_deref(), Some(redis));
        assert_eq!(said("exec /usr/bin/redis-server --daemonize=yes").as_deref(), Some(redis));
        assert!(said("python server.py &").unwrap().contains("`&`"));
        assert!(said("pg_ctl -D data start").unwrap().contains("run postgres -D DIRECTORY"));
        assert!(said("A=1 gunicorn --daemon app:app").is_some());
        assert!(said("/usr/sbin/php-fpm8.3 -D").is_some());
    }

    #[test]
    fn what_goes_there_unless_told_otherwise_is_seen() {
        assert!(said("nginx").unwrap().contains("daemon off;"));
        assert!(said("/usr/sbin/sshd -p 2222").unwrap().contains("add -D"));
        for stays in
            ["nginx -g 'daemon off;'", "nginx -g \"daemon off; pid x;\"", "nginx -c ./nginx.conf", "sshd -D", "cron -f"]
        {
            assert_eq!(said(stays), None, "{stays}");
        }
    }

    #[test]
    fn nothing_is_said_of_what_is_not_known() {
        for fine in [
            "redis-server",
            "redis-server --daemonize no",
            "make && nginx",
            "bundle exec puma",
            "echo nginx",
            "memcached -l x",
        ] {
            assert_eq!(said(fine), None, "{fine}");
        }
        let words = Command::Words(vec![Template::literal("echo"), Template::literal("&")]);
        assert_eq!(leaves_by_itself(&words), None);
    }

    #[test]
    fn advice_is_found_by_the_name_of_a_process() {
        assert_eq!(advice("nginx"), Some("run it as nginx -g 'daemon off;'"));
        assert_eq!(advice("php-fpm8.3"), Some("add --nodaemonize"));
        assert_eq!(advice("node"), None);
    }
}
