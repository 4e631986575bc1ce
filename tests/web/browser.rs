//! A real Chromium, driven over the two pipes of its `DevTools` protocol: nothing but the browser has to be installed.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nix::sys::signal::{Signal, killpg};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{PATIENCE, becomes_true, has_tool};

/// Set to a directory to get pictures of the pages.
const SHOTS: &str = "RUN_WEB_SHOTS";

/// A browser with one page. When it is dropped, it ends.
pub(crate) struct Browser {
    child: Child,
    to: File,
    messages: Receiver<Value>,
    session: String,
    next_id: u64,
    /// What the page complained about.
    troubles: Vec<String>,
    home: TempDir,
}

impl Browser {
    /// Starts one; `None` on a machine without a browser, said aloud.
    pub(crate) fn start() -> Option<Self> {
        if !has_tool("chromium") {
            return None;
        }
        let home = tempfile::Builder::new().prefix("run-web-").tempdir().unwrap();
        let pipes = ["in", "out"].map(|name| home.path().join(name));
        for path in &pipes {
            mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        }
        // The browser reads at descriptor 3 and writes at 4.
        let child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<\"$IN\" 4>\"$OUT\"", "chromium"])
            .args(["--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args([
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-extensions",
                "--no-proxy-server",
            ])
            .args(["--disable-component-update", "--mute-audio", "--force-color-profile=srgb", "--lang=en"])
            .arg(format!("--user-data-dir={}", home.path().join("profile").display()))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .env("IN", &pipes[0])
            .env("OUT", &pipes[1])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let to = OpenOptions::new().write(true).open(&pipes[0]).unwrap();
        let messages = messages(File::open(&pipes[1]).unwrap());
        let mut browser = Self { child, to, messages, session: String::new(), next_id: 0, troubles: Vec::new(), home };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        attached["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser.look(1280, 800, false);
        Some(browser)
    }

    /// One call of the protocol.
    #[track_caller]
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.next_id += 1;
        let mut call = json!({"id": self.next_id, "method": method, "params": params});
        if !self.session.is_empty() {
            call["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{call}\0").as_bytes()).unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let message = self.messages.recv_timeout(left).unwrap_or_else(|_| panic!("no answer to {method} {params}"));
            if message["id"] == self.next_id {
                assert!(message["error"].is_null(), "{method} {params}: {}", message["error"]);
                return message["result"].clone();
            }
            self.happened(&message);
        }
    }

    fn happened(&mut self, message: &Value) {
        let params = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.troubles.push(params["exceptionDetails"].to_string()),
            Some("Runtime.consoleAPICalled")
                if matches!(params["type"].as_str(), Some("error" | "warning" | "assert")) =>
            {
                self.troubles.push(params["args"].to_string());
            }
            Some("Log.entryAdded") if matches!(params["entry"]["level"].as_str(), Some("error" | "warning")) => {
                self.troubles.push(params["entry"].to_string());
            }
            _ => {}
        }
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub(crate) fn js(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", &params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// The value of an expression as text.
    #[track_caller]
    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.js(expression).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, expression: &str) {
        let mut last = Value::Null;
        let holds = becomes_true(PATIENCE, || {
            last = self.js(expression);
            last == true
        });
        if !holds {
            let text = self.text("document.body.innerText");
            panic!("never true: {expression} ({last})\n--- page ---\n{text}\n--- troubles ---\n{:#?}", self.troubles);
        }
    }

    /// Goes to an address, and waits until it is there.
    #[track_caller]
    pub(crate) fn open(&mut self, url: &str) {
        let answer = self.call("Page.navigate", &json!({"url": url}));
        assert!(answer["errorText"].is_null(), "{url}: {answer}");
        self.wait_for("document.readyState === 'complete'");
    }

    /// Sets the size of the window, and the scheme.
    pub(crate) fn look(&mut self, width: u32, height: u32, is_dark: bool) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &media);
    }

    /// Clicks in the middle of an element, as a mouse does: what lies on top of it gets the click.
    #[track_caller]
    pub(crate) fn click(&mut self, selector: &str) {
        let quoted = json!(selector);
        let look = format!(
            "(() => {{ const node = document.querySelector({quoted}); if (node === null) return null; \
             node.scrollIntoView({{block: 'center'}}); \
             const box = node.getBoundingClientRect(); const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]; \
             return {{x, y, hit: node.contains(document.elementFromPoint(x, y))}}; }})()"
        );
        let mut place = Value::Null;
        // A dialog may still be on its way out.
        let can_be_hit = becomes_true(PATIENCE, || {
            place = self.js(&look);
            place["hit"] == true
        });
        assert!(can_be_hit, "{selector} is not there, or covered: {place}");
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let event = json!({"type": kind, "x": place["x"], "y": place["y"], "button": "left", "buttons": buttons, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", &event);
        }
    }

    /// Presses a key: a character, or `Tab`, `Enter`, `Escape`, `ArrowDown`, ….
    pub(crate) fn press(&mut self, key: &str) {
        let (text, code) = match key {
            "Enter" => (Some("\r"), 13),
            "Tab" => (None, 9),
            "Escape" => (None, 27),
            "ArrowUp" => (None, 38),
            "ArrowDown" => (None, 40),
            one => (Some(one), one.to_ascii_uppercase().bytes().next().map_or(0, i32::from)),
        };
        let mut down = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
        match text {
            Some(text) => down["text"] = json!(text),
            None => down["type"] = json!("rawKeyDown"),
        }
        self.call("Input.dispatchKeyEvent", &down);
        self.call("Input.dispatchKeyEvent", &json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}));
    }

    /// Presses Tab until the focus is on what is called so.
    #[track_caller]
    pub(crate) fn tab_to(&mut self, name: &str) {
        let mut seen = Vec::new();
        for _ in 0..200 {
            self.press("Tab");
            let focused = self.text(
                "(() => { const at = document.activeElement; return at.getAttribute('aria-label') ?? at.textContent; })()",
            );
            if focused == name {
                return;
            }
            seen.push(focused);
        }
        panic!("Tab never comes to {name}: {seen:#?}");
    }

    /// What the page has complained about so far.
    pub(crate) fn troubles(&mut self) -> Vec<String> {
        // What was said before this answer has been heard.
        self.js("0");
        std::mem::take(&mut self.troubles)
    }

    /// A picture of the page, when somebody wants pictures.
    pub(crate) fn shoot(&mut self, name: &str) {
        let Some(directory) = std::env::var_os(SHOTS).map(PathBuf::from) else { return };
        let picture = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(format!("{name}.png")), bytes).unwrap();
    }
}

/// What the browser says, message by message.
fn messages(from: File) -> Receiver<Value> {
    let (sender, messages) = channel();
    thread::spawn(move || {
        for message in BufReader::new(from).split(0).map_while(Result::ok) {
            if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                return;
            }
        }
    });
    messages
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The group is ours alone: it was made for this child, which has not been waited for.
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
        // Its helpers are in the group, too, and hold files of its home until they are gone.
        becomes_true(Duration::from_secs(5), || fs::remove_dir_all(self.home.path()).is_ok());
    }
}
