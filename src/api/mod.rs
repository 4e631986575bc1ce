//! The methods of the control socket: from a snapshot and arguments to a value, a fault or a command. Pure.
//!
//! One table, [`METHODS`], has them all: supervisord's (`supervisor.*`, `system.*`) and ours beside them (`run.*`). A method only
//! decides; whoever serves it performs what the [`Outcome`] says. `system.listMethods`, `methodHelp` and `methodSignature` are read
//! from the table, so a new method is a row in its family's file and nothing else. What the table does not have may be a method of an
//! [`extension`].

#![deny(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::wildcard_enum_match_arm,
    clippy::iter_over_hash_type,
    clippy::unwrap_used,
    clippy::print_stdout
)]

pub mod extension;
pub mod fault;
pub mod log;
pub mod method;
pub mod names;
pub mod note;
pub mod status;

mod ext;
mod reload;
mod search;
mod supervisor;
mod system;

pub use fault::Fault;
pub use log::{LogOf, LogReply, LogRequest};
pub use method::{Kind, Lookup, Method, Outcome, Param, Then, Usage, View};

use crate::codec::xmlrpc::Call;

/// All methods, family by family.
pub const METHODS: &[&[Method]] = &[
    ext::METHODS,
    reload::METHODS,
    search::METHODS,
    supervisor::config::METHODS,
    supervisor::info::METHODS,
    supervisor::logs::METHODS,
    supervisor::process::METHODS,
    supervisor::stdin::METHODS,
    system::METHODS,
];

/// All methods, one after the other.
pub fn methods() -> impl Iterator<Item = &'static Method> {
    METHODS.iter().copied().flatten()
}

/// Looks a method up by its whole name.
pub fn find(name: &str) -> Option<&'static Method> {
    methods().find(|method| method.name == name)
}

/// Decides what a call means: the method must exist, the arguments must fit, and most methods are refused once the end has begun,
/// in this order (supervisor `xmlrpc.py` `traverse`, `rpcinterface.py` `_update`).
pub fn dispatch(view: &View<'_>, call: &Call) -> Result<Outcome, Fault> {
    let Some(method) = find(&call.method) else { return extension::dispatch(view, call) };
    method.check(&call.params)?;
    if view.snapshot.is_shutting_down && !method.while_ending {
        return Err(Fault::plain(fault::SHUTDOWN_STATE));
    }
    (method.call)(view, &call.params)
}
