//! Names below `.localhost`, by which the proxy knows programs: `web.shop.localhost`, and in a linked worktree
//! `web.fix-ui.shop.localhost`. RFC 6761 gives `localhost` and everything below it to this machine, so nobody has to be asked.

/// Where the proxy listens when nobody has said otherwise.
pub const PROXY_PORT: u16 = 7777;

/// The longest label of a host name (RFC 1035, 2.3.4).
const LONGEST: usize = 63;

/// A name as one label of a host name: lower case, what no label may hold becomes `-`.
pub fn label(name: &str) -> String {
    let mut label = String::with_capacity(name.len());
    for sign in name.chars().map(|sign| sign.to_ascii_lowercase()) {
        let sign = if sign.is_ascii_alphanumeric() { sign } else { '-' };
        if sign != '-' || !label.is_empty() && !label.ends_with('-') {
            label.push(sign);
        }
        if label.len() == LONGEST {
            break;
        }
    }
    label.truncate(label.trim_end_matches('-').len());
    if label.is_empty() { "x".to_owned() } else { label }
}

/// The labels of a project by its display name: `shop`, or branch before project where the name has both.
pub fn project_labels(display_name: &str) -> Vec<String> {
    match display_name.rsplit_once('@') {
        Some((project, branch)) if !project.is_empty() && !branch.is_empty() => vec![label(branch), label(project)],
        Some(_) | None => vec![label(display_name)],
    }
}

/// The name of a program: `web.fix-ui.shop.localhost`.
pub fn host(program: &str, display_name: &str) -> String {
    format!("{}.{}.localhost", label(program), project_labels(display_name).join("."))
}

/// Where a browser finds a program behind the proxy.
pub fn url(program: &str, display_name: &str, proxy_port: u16) -> String {
    format!("http://{}:{proxy_port}", host(program, display_name))
}

/// The labels of a `Host` header before `localhost`, as [`label`] writes them; `None` for a name of anywhere else.
pub fn labels_of(host: &str) -> Option<Vec<String>> {
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" {
        return Some(Vec::new());
    }
    let labels: Vec<String> = name.strip_suffix(".localhost")?.split('.').map(label).collect();
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_host_name_may_hold_becomes_a_dash() {
        assert_eq!(label("Web_App"), "web-app");
        assert_eq!(label("feature/Über x--"), "feature-ber-x");
        assert_eq!(label("__"), "x");
        assert_eq!(label(&"a".repeat(80)).len(), 63);
    }

    #[test]
    fn the_branch_stands_before_the_project() {
        assert_eq!(host("web", "shop"), "web.shop.localhost");
        assert_eq!(host("web", "shop@feature/a"), "web.feature-a.shop.localhost");
        assert_eq!(host("web", "@x"), "web.x.localhost");
        assert_eq!(url("api", "shop", 7777), "http://api.shop.localhost:7777");
    }

    #[test]
    fn only_names_below_localhost_are_ours() {
        let labels = |host: &str| labels_of(host).map(|labels| labels.join(" "));
        assert_eq!(labels("web.shop.localhost:7777").as_deref(), Some("web shop"));
        assert_eq!(labels("WEB_1.Shop.localhost.").as_deref(), Some("web-1 shop"));
        assert_eq!(labels("localhost:7777").as_deref(), Some(""));
        for foreign in
            ["evil.example", "web.shop.localhost.evil.example", "127.0.0.1:7777", "notlocalhost", "[::1]:7777"]
        {
            assert_eq!(labels(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for (program, project) in [("web", "shop"), ("worker_0", "shop@fix/ui"), ("Ü", "a b")] {
            let mut expected = vec![label(program)];
            expected.extend(project_labels(project));
            assert_eq!(labels_of(&format!("{}:1", host(program, project))), Some(expected));
        }
    }
}
