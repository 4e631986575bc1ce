//! `supervisor.*`: supervisord's own methods, with its keys, faults and texts (supervisor `rpcinterface.py`).

pub(super) mod config;
pub(super) mod info;
pub(super) mod logs;
pub(super) mod process;
pub(super) mod stdin;

mod target;
