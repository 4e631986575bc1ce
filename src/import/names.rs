//! Names of programs: as they were, but for what run.toml does not take.

/// Names of another tool and what they are called here.
#[derive(Debug, Clone, Default)]
pub struct Names {
    pairs: Vec<(String, String)>,
}

impl Names {
    /// Names for all of these, in their order.
    pub fn of<'a>(originals: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names = Self::default();
        for original in originals {
            names.claim(original);
        }
        names
    }

    /// A name for this one, which no other has.
    pub fn claim(&mut self, original: &str) -> String {
        let fits = |c: char| !(c.is_whitespace() || c.is_control() || c == ':' || c == '/');
        let plain: String = original.chars().map(|c| if fits(c) { c } else { '-' }).collect();
        let plain = plain.trim_matches('-');
        let plain = if plain.is_empty() { "program" } else { plain };
        let is_free = |name: &str| !self.pairs.iter().any(|(_, ours)| ours == name);
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let ours = std::iter::once(plain.to_owned()).chain(numbered).find(|name| is_free(name));
        let ours = ours.unwrap_or_else(|| plain.to_owned());
        self.pairs.push((original.to_owned(), ours.clone()));
        ours
    }

    /// What it is called here.
    pub fn ours(&self, original: &str) -> Option<&str> {
        self.pairs.iter().find(|(there, _)| there == original).map(|(_, ours)| ours.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_stand_in_a_name_becomes_a_dash() {
        let names = Names::of(["db:up", "db up", "/", "web"]);
        assert_eq!(
            ["db:up", "db up", "/", "web"].map(|name| names.ours(name).unwrap()),
            ["db-up", "db-up-2", "program", "web"]
        );
        assert_eq!(names.ours("none"), None);
    }
}
