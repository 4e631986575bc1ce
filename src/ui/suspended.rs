//! That a project stands still because its process is stopped, and what continues it.

use crate::ui::text::clean;

/// One line.
pub fn sentence(project: &str, pid: u32) -> String {
    format!(
        "{} is suspended: its process {pid} is stopped; kill -CONT {pid} continues it, fg where it was Ctrl-Z",
        clean(project)
    )
}
