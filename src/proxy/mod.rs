//! `http://NAME.PROJECT.localhost:PORT`: one small proxy on loopback for all running projects of a user.
//!
//! No hosts file, no certificate, no privilege: everything below `.localhost` leads to this machine (RFC 6761), and the `Host`
//! of a request says who is meant. Whichever enabled project comes first runs it, on a thread of its own so that nothing it does
//! delays the supervisor; the others wait for its lock and take over at its end ([`thread`]). [`names`] decides who is meant,
//! [`routes`] asks the projects and remembers their answers for a moment, [`forward`] carries a request there and its answer back,
//! `WebSockets` and streams included, and [`page`] is what a person reads where there is nothing to carry.
//!
//! A name that is not below `.localhost` is refused without a word about what runs, so that a page of somebody else's, whose name
//! was bent to this machine, learns nothing and reaches nobody.

pub mod names;
pub mod page;
pub mod routes;
pub mod thread;

mod forward;
mod headers;
mod server;

pub use routes::{Directory, Listed};
pub use thread::{News, Plan, Proxy};
