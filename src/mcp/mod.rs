//! The MCP server for coding agents: one tool per verb, over stdin and stdout. May use: model, codec, the suggestions of config.
//!
//! This layer is the protocol's side alone: which tools there are and what they take ([`tool`], [`parameter`], [`arguments`]), how an
//! answer is made fit for an agent ([`answer`]: cleaned, cut to a size, wrapped), and the server itself, around the official library,
//! which nobody else imports. What a verb does is behind the trait [`Verbs`]; the commands implement it, so that an agent gets what a
//! person gets.
//!
//! * Nothing is remembered between two calls: a cursor is the client's to keep, its roots are asked for when they are needed.
//! * A verb may block. It runs on a thread of its own, and a [`Stop`] tells it that nobody waits any more.
//! * What a program wrote is data of somebody who may want to talk to the agent. It stands behind a `|` on every line, between two
//!   lines of ours, so that it cannot pass for anything else.

pub mod answer;
pub mod arguments;
pub mod parameter;
pub mod tool;

mod clean;
mod cut;
mod output;
mod server;
mod stop;

use std::path::PathBuf;

pub use answer::Answer;
pub use arguments::Arguments;
pub use server::{ServeError, serve};
pub use stop::Stop;
pub use tool::Tool;

/// What does the work behind the tools.
pub trait Verbs: Send + Sync + 'static {
    /// Answers one call. It may block, and should come back soon after `stop` says so.
    fn answer(&self, call: &Call, stop: &Stop) -> Answer;
}

/// One call of a tool.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which one.
    pub tool: Tool,
    /// Its arguments, checked.
    pub arguments: Arguments,
    /// The directories that the client works in, if it says so.
    pub roots: Vec<PathBuf>,
}

impl Call {
    /// Whether it may change something.
    pub fn changes(&self) -> bool {
        self.tool.changes() && !(self.tool == Tool::Reload && self.arguments.flag("dry_run"))
    }
}
