//! Unit tests of the state machine: what a reader of the rules would try by hand. The rest is the simulation's.

mod chronicle;
mod files;
mod listeners;
mod reload;
mod requests;
mod runs;
mod supervisord;
