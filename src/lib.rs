//! runup: `run up` brings a whole development environment up in dependency order, and answers the supervisord protocol.
//!
//! Text becomes data, data becomes a plan, the plan is run by a function, and everything that touches the world is at the edge:
//!
//! ```text
//!   run.toml / Procfile / .env                                args, env
//!            │ text                                               │
//!            ▼                                                    ▼
//!  config ──► Project ──► plan ──► graph, order, launch       Settings
//!  (pure)     (data)      (pure)        │                         │
//!                                       ▼                         │
//!              ┌──────────────────────────────────────┐           │
//!   Event ───► │ supervisor::Supervisor::step         │ ───► Action
//!              └──────────────────────────────────────┘      │    │
//!      ▲                    │ Snapshot                       ▼    ▼
//!  ┌───┴──────────────────────────────────────────────────────────────┐
//!  │ runtime::Driver: the only loop, the only owner                   │
//!  └───┬──────────────────────┬───────────────────────┬───────────────┘
//!      │ orders               │ Handle                │ bytes
//!      ▼                      ▼                       ▼
//!  runtime::spawner        serve: http ► xml-rpc ► api   logs: output thread
//! ```
//!
//! * [`model`]: the nouns. Pure.
//! * [`codec`]: bytes and values, where no library does it. Pure.
//! * [`config`]: text to [`model::Project`], with everything that is wrong at once. Pure.
//! * [`import`]: configs of other tools to a run.toml. Pure.
//! * [`templates`]: templates of a run.toml. Pure.
//! * [`plan`]: the graph, orders, environments and ports. Pure.
//! * [`supervisor`]: the state machine. Pure.
//! * [`export`]: a project in another notation. Pure.
//! * [`api`]: the methods of the control socket. Pure.
//! * [`probe`]: one ready check a file.
//! * [`logs`]: the output thread, the kept logs and their readers.
//! * [`registry`]: where a running project keeps its lock, socket, state and ports.
//! * [`runtime`]: the driver, the spawner process, signals.
//! * [`client`]: talks to a running project.
//! * [`serve`]: answers on the control socket.
//! * [`proxy`]: names below `.localhost` for the programs of all projects.
//! * [`ui`]: what a person sees.
//! * `mcp`: what a coding agent sees, with the feature `mcp`.
//! * [`fault`]: failures on demand, in test builds only.
//! * [`cli`]: the commands; puts it all together.

pub mod api;
pub mod cli;
pub mod client;
pub mod codec;
pub mod config;
pub mod export;
pub mod fault;
pub mod import;
pub mod logs;
#[cfg(feature = "mcp")]
pub mod mcp;
pub mod model;
pub mod plan;
pub mod probe;
pub mod proxy;
pub mod registry;
pub mod runtime;
pub mod serve;
pub mod supervisor;
pub mod templates;
pub mod ui;
