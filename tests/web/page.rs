//! What the page shows and does, by mouse and by keyboard.

use std::net::TcpListener;

use crate::browser::Browser;
use crate::common::{PATIENCE, TestProject};

/// A project with a TCP door.
pub(crate) struct Shop {
    pub(crate) project: TestProject,
    port: u16,
}

impl Shop {
    /// With these programs.
    pub(crate) fn with(programs: &str) -> Self {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let project = TestProject::toml(&format!("name = \"shop\"\n{programs}\n[control]\ntcp = \"127.0.0.1:{port}\"\n"));
        Self { project, port }
    }

    /// An address of the page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}
