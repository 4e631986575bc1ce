//! Where commands meet projects: finding the one that runs here, loading the config that lies here, and what is left of one that ran.

mod files;
mod found;
mod kept;
mod loaded;
mod ports;

pub use files::config_files;
pub use found::{NotUp, connect, find, running};
pub use kept::{Kept, LAST_STATUS, LastFailure, Standing, kept, last_status, past, status_now_or_last};
pub use loaded::{LoadOptions, Loaded, VOCABULARY, counted, load, load_with, server_url};
pub use ports::ports;
