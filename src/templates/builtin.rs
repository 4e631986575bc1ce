//! The templates that come with the binary.

use crate::model::SourceFile;
use crate::templates::header::{self, Template};

/// Name and text. The first is what `--list` shows first.
pub const BUILTIN: &[(&str, &str)] = &[
    ("bare", include_str!("../../templates/init/bare.toml")),
    ("rails", include_str!("../../templates/init/rails.toml")),
    ("django", include_str!("../../templates/init/django.toml")),
    ("node", include_str!("../../templates/init/node.toml")),
    ("go", include_str!("../../templates/init/go.toml")),
    ("rust", include_str!("../../templates/init/rust.toml")),
    ("phoenix", include_str!("../../templates/init/phoenix.toml")),
    ("laravel", include_str!("../../templates/init/laravel.toml")),
    ("monorepo", include_str!("../../templates/init/monorepo.toml")),
    ("shop", include_str!("../../templates/init/shop.toml")),
];

/// A template by its name.
pub fn find(name: &str) -> Option<Template> {
    let (name, text) = BUILTIN.iter().find(|(there, _)| *there == name)?;
    let source = SourceFile { name: format!("template {name}"), text: (*text).to_owned() };
    header::parse(name, source).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::testing::remarks;
    use crate::templates::header::Variable;
    use crate::templates::render::render;

    /// Every choice of every variable, the others as they are by default.
    fn variations(template: &Template) -> Vec<Vec<(String, String)>> {
        let value = |variable: &Variable| {
            let missing = variable.default.is_none().then(|| "acme \"& co\" ${x}".to_owned());
            missing.map(|value| (variable.name.clone(), value))
        };
        let base: Vec<(String, String)> = template.variables.iter().filter_map(value).collect();
        let choices = template
            .variables
            .iter()
            .flat_map(|variable| variable.choices.iter().map(|choice| (variable.name.clone(), choice.clone())));
        let mut all: Vec<Vec<(String, String)>> =
            choices.map(|choice| base.iter().cloned().chain([choice]).collect()).collect();
        all.push(base);
        all
    }

    #[test]
    fn every_template_loads_without_a_remark_whatever_is_chosen() {
        for (name, _) in BUILTIN {
            let template = find(name).unwrap_or_else(|| panic!("{name} has a mistake in its head"));
            assert!(template.doc.ends_with('.') && template.variables.iter().all(|v| v.doc.ends_with('.')), "{name}");
            assert_eq!(template.variables[0].name, "project", "{name}");
            for given in variations(&template) {
                let text = render(&template, "my-shop", &given).unwrap_or_else(|said| panic!("{name}: {said:?}"));
                assert!(text.starts_with("#:schema "), "{name}");
                assert_eq!(remarks(&text), Vec::<String>::new(), "{name} {given:?}\n{text}");
                assert!(!text.contains("\n\n\n"), "{name} {given:?}\n{text}");
            }
        }
    }
}
