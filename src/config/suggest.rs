//! "Did you mean": names that are close to a misspelt one.

/// How many are offered when several are equally good.
const MOST: usize = 3;

/// The candidates closest to a word, up to three equally good ones: equal but for case, `-` and `_`, else within a third of
/// the word's length by Damerau's distance.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let plain = fold(word);
    let limit = word.chars().count() / 3;
    let mut best = limit;
    let mut found: Vec<&str> = Vec::new();
    for candidate in candidates {
        let folded = fold(candidate);
        let distance = if folded == plain { 0 } else { strsim::damerau_levenshtein(&plain, &folded).max(1) };
        if distance > best || candidate == word {
            continue;
        }
        if distance < best {
            found.clear();
        }
        best = distance;
        if found.len() < MOST && !found.contains(&candidate) {
            found.push(candidate);
        }
    }
    found
}

/// `a`, `a or b`, `a, b or c`.
pub fn list(items: &[String], last: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [front @ .., end] => format!("{} {last} {end}", front.join(", ")),
    }
}

/// "did you mean `a` or `b`?", or `None` when nothing is close.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let found: Vec<String> = closest(word, candidates).iter().map(|name| format!("`{name}`")).collect();
    (!found.is_empty()).then(|| format!("did you mean {}?", list(&found, "or")))
}

fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_within_a_third_of_the_length_is_recognised() {
        assert_eq!(closest("postgers", ["postgres", "redis"]), ["postgres"]);
        assert_eq!(closest("dependson", ["depends_on", "directory"]), ["depends_on"]);
        assert!(closest("cache", ["db", "web"]).is_empty());
        assert!(closest("ab", ["ac"]).is_empty(), "two letters say too little");
    }

    #[test]
    fn case_dashes_and_underscores_do_not_count() {
        assert_eq!(closest("Env-File", ["env_file", "env_files"]), ["env_file"]);
        assert_eq!(closest("DB", ["db"]), ["db"]);
    }

    #[test]
    fn up_to_three_equally_good_ones_are_offered() {
        assert_eq!(
            did_you_mean("web5", ["web1", "web2", "web3", "web4"]).as_deref(),
            Some("did you mean `web1`, `web2` or `web3`?")
        );
        assert_eq!(did_you_mean("xyz", ["web1"]), None);
    }
}
