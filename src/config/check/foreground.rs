//! Programs whose command line says that they go to the background, where nobody can supervise them.

use crate::config::lower::Lowered;
use crate::model::Diagnostic;
use crate::model::foreground;

/// Warns of each.
pub fn check(lowered: &Lowered, problems: &mut Vec<Diagnostic>) {
    for (program, places) in super::programs(lowered) {
        if program.is_task() {
            continue;
        }
        let Some((label, advice)) = foreground::leaves_by_itself(&program.command) else { continue };
        let message = format!("{} puts itself into the background, so it cannot be supervised", program.name);
        let span = places.values.get("command").copied().unwrap_or(places.name);
        problems.push(Diagnostic::warning("background", message).at(span, label).help(advice));
    }
}
