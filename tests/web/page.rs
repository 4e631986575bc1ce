//! What the page shows and does, by mouse and by keyboard.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::browser::Browser;
use crate::common::{PATIENCE, TestProject, free_port};

/// Two programs that say something, and a task.
const TWO: &str = r#"
[program.db]
command = "echo db is on; exec sleep 10000"
ready = { log = "is on" }
[program.web]
command = "echo hello from web; exec sleep 10000"
ready = { log = "hello" }
depends_on = ["db"]
[program.admin]
command = "echo admin; exec sleep 10000"
ready = { log = "admin" }
autostart = false
"#;

/// A project with a TCP door.
pub(crate) struct Shop {
    pub(crate) project: TestProject,
    port: u16,
}

impl Shop {
    /// With these programs.
    pub(crate) fn with(programs: &str) -> Self {
        let port = free_port();
        let project =
            TestProject::toml(&format!("name = \"shop\"\n{programs}\n[control]\ntcp = \"127.0.0.1:{port}\"\n"));
        Self { project, port }
    }

    /// An address of the page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }
}

/// That a program's row says so.
fn row_is(name: &str, word: &str) -> String {
    format!("document.querySelector('tr[data-name=\"{name}\"] .word')?.textContent === '{word}'")
}

/// A button of a program's row.
fn of_row(name: &str, verb: &str) -> String {
    format!("tr[data-name=\"{name}\"] [data-verb={verb}]")
}

/// In a browser, with two programs up; the page has no trouble, and the project ends well.
fn with_two(test: impl FnOnce(&mut Browser, &Shop)) {
    let Some(mut browser) = Browser::start() else { return };
    let shop = Shop::with(TWO);
    let up = shop.project.up();
    shop.project.wait_for_word("web", "ready");
    test(&mut browser, &shop);
    assert_eq!(browser.troubles(), [""; 0]);
    up.interrupt().expect_code(0);
}

const IS_LIVE: &str = "document.querySelector('#link')?.textContent === 'live'";

/// The lines of the log that are shown.
const LINES: &str = "[...document.querySelectorAll('.line:not(.hidden) .text')].map((text) => text.textContent)";

#[test]
fn the_page_shows_what_happens_while_it_happens_and_finds_a_project_that_comes_back() {
    let Some(mut browser) = Browser::start() else { return };
    let shop = Shop::with(TWO);
    let up = shop.project.up();
    shop.project.wait_for_word("web", "ready");
    browser.open(&shop.url(""));
    browser.wait_for(IS_LIVE);
    for (name, word, wire) in [("db", "ready", "RUNNING"), ("admin", "off", "STOPPED")] {
        browser.wait_for(&row_is(name, word));
        let shown = browser.text(&format!("document.querySelector('tr[data-name={name}] .wire').textContent"));
        assert_eq!(shown, wire);
    }
    let pid = shop.project.pid("web");
    assert_eq!(browser.text("document.querySelector('tr[data-name=web] .pid').textContent"), pid.to_string());

    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL).unwrap();
    browser.wait_for("document.querySelector('tr[data-name=web] .runs')?.textContent === '2'");
    browser.wait_for("document.querySelector('tr[data-name=web] .note')?.textContent.includes('SIGKILL')");
    assert_eq!(browser.troubles(), [""; 0]);

    up.interrupt();
    browser.wait_for("['ended', 'not reachable'].includes(document.querySelector('#link')?.textContent)");
    let up = shop.project.up();
    browser.wait_for(IS_LIVE);
    browser.wait_for(&row_is("web", "ready"));
    // The new server knows nothing of the old one's sessions: the page gets itself another.
    browser.click(&of_row("web", "stop"));
    browser.wait_for(&row_is("web", "off"));
    up.interrupt().expect_code(0);
}

#[test]
fn everything_can_be_done_with_a_mouse() {
    with_two(|browser, shop| {
        browser.open(&shop.url(""));
        browser.wait_for(&row_is("web", "ready"));

        browser.click(&of_row("web", "stop"));
        browser.wait_for(&row_is("web", "off"));
        assert_eq!(shop.project.word("web"), "off");
        assert_eq!(
            browser.js("document.querySelector('tr[data-name=web] [data-verb=stop]').getAttribute('aria-disabled')"),
            "true"
        );
        browser.click(&of_row("web", "start"));
        browser.wait_for(&row_is("web", "ready"));
        let pid = shop.project.pid("web");
        browser.click(&of_row("web", "restart"));
        browser.wait_for(&format!(
            "!['', '{pid}'].includes(document.querySelector('tr[data-name=web] .pid')?.textContent)"
        ));
        browser.wait_for(&row_is("web", "ready"));

        browser.click(&of_row("web", "log"));
        browser.wait_for(&format!("{LINES}.includes('hello from web')"));
        // A rule before each further run.
        browser.wait_for("document.querySelectorAll('.rule').length === 2");
        browser.click("[data-verb=clear]");
        browser.wait_for(&format!("{LINES}.length === 0"));
        browser.click("[data-verb=restart]");
        browser.wait_for(&format!("{LINES}.includes('hello from web')"));

        browser.click("#stop-all");
        browser.wait_for("document.querySelector('dialog h2')?.textContent === 'Stop all programs?'");
        browser.click("dialog .danger");
        shop.project.wait_for_word("db", "off");
        browser.click("#start-all");
        shop.project.wait_for_word("web", "ready");
        let pid = shop.project.pid("db");
        browser.click("#restart-all");
        browser.click("dialog .danger");
        shop.project.wait_until("db was restarted", PATIENCE, || ![0, pid].contains(&shop.project.pid("db")));

        browser.click("[data-tab='#/graph']");
        browser.click("a[aria-label^='web: '] rect");
        browser.wait_for("document.querySelector('.about h2')?.textContent === 'web'");
        browser.wait_for("document.querySelector('.needs')?.textContent.includes('db')");
        browser.wait_for("document.querySelectorAll('.history li').length > 3");
    });
}

#[test]
fn everything_can_be_done_without_a_mouse() {
    with_two(|browser, shop| {
        browser.open(&shop.url(""));
        browser.wait_for(&row_is("web", "ready"));

        browser.tab_to("Stop web");
        let ring = browser.text("getComputedStyle(document.activeElement).outlineStyle");
        assert_eq!(ring, "solid", "the focus can be seen");
        browser.press("Enter");
        browser.wait_for(&row_is("web", "off"));
        assert_eq!(browser.text("document.activeElement.getAttribute('aria-label')"), "Stop web", "the focus stays");

        // In a row: letters; from row to row: arrows.
        browser.press("s");
        browser.wait_for(&row_is("web", "ready"));
        browser.press("ArrowDown");
        assert_eq!(browser.text("document.activeElement.textContent"), "admin");
        browser.press("s");
        browser.wait_for(&row_is("admin", "ready"));
        browser.press("x");
        browser.wait_for(&row_is("admin", "off"));
        browser.press("ArrowUp");
        browser.press("l");
        browser.wait_for(&format!("{LINES}.includes('hello from web')"));

        browser.press("/");
        for key in ["h", "e", "l", "l", "o"] {
            browser.press(key);
        }
        browser.wait_for("document.querySelectorAll('.log mark').length === 2");
        assert_eq!(browser.text("document.querySelector('.hits').textContent"), "2 matches");
        browser.press("Enter");
        browser.wait_for("document.querySelectorAll('.current mark').length === 1");
        // The search can be sent.
        browser.wait_for("location.hash.endsWith('?q=hello')");
        browser.press("Escape");
        browser.wait_for("document.querySelectorAll('.log mark').length === 0");

        browser.tab_to("Stop all");
        browser.press("Enter");
        browser.wait_for("document.querySelector('dialog[open]') !== null");
        browser.press("Escape");
        browser.wait_for("document.querySelector('dialog') === null");
        assert_eq!(shop.project.word("web"), "ready", "nothing was stopped");
        browser.press("?");
        browser.wait_for("document.querySelector('dialog[open] dl') !== null");
    });
}

#[test]
fn whatever_a_program_is_called_and_says_stays_text() {
    let Some(mut browser) = Browser::start() else { return };
    let name = "<s>x\"'&amp;";
    let evil = "<img src=x onerror=document.title=1><script>document.title=1</script>";
    let command =
        format!("printf '%b\\n' '{evil}' 'a\\033[31mred\\033[0m\\033]0;owned\\007z\\0302\\0205'; exec sleep 10000");
    let shop = Shop::with(&format!(
        "[program.{}]\ncommand = {}\nready = {{ exec = \"echo '{evil}'; false\" }}\n",
        serde_json::json!(name),
        serde_json::json!(command)
    ));
    let up = shop.project.up();
    up.wait_for("socket ready");
    browser.open(&shop.url(""));
    browser.wait_for("document.querySelector('.program .note')?.textContent.includes('not ready yet')");
    assert_eq!(browser.text("document.querySelector('.program .name').textContent"), name);
    browser.click("tr.program [data-verb=log]");
    browser.wait_for(&format!("{LINES}.length === 2"));
    let lines = browser.js(LINES);
    assert_eq!((&lines[0], &lines[1]), (&evil.into(), &"aredz".into()), "what is no colour is not there");
    assert_eq!(browser.text("document.querySelector('.f1').textContent"), "red");
    browser.click("[data-tab='#/graph']");
    browser.click(".graph a[href] rect");
    browser.wait_for("document.querySelector('.facts-grid')?.textContent.includes('onerror')");
    assert_eq!(browser.text("document.querySelector('.about h2').textContent"), name);
    browser.wait_for(&format!("{LINES}.length === 2"));
    assert_eq!(browser.troubles(), [""; 0]);

    let link = browser.text(&format!("encodeURIComponent({})", serde_json::json!(name)));
    browser.open(&shop.url(&format!("tail.html?processname={link}")));
    assert!(browser.text("document.querySelector('pre').textContent").contains(evil));
    browser.open(&shop.url(&format!("?action=stop&processname={link}")));
    assert_eq!(browser.text("document.querySelector('h1').textContent"), format!("Stop {name}?"));
    browser.open(&shop.url("tail.html?processname=%3Cimg%20src=x%20onerror=document.title=1%3E"));
    assert!(browser.text("document.querySelector('h1').textContent").contains("<img src=x"));
    assert_eq!(browser.js("document.images.length + document.scripts.length"), 1, "the one script of the page");
    assert_eq!(browser.text("document.title"), "tail of <img src=x onerror=document.title=1>");
    up.interrupt();
}

#[test]
fn an_old_link_to_a_change_asks_first() {
    with_two(|browser, shop| {
        browser.open(&shop.url("index.html?processname=web&action=stop"));
        assert_eq!(browser.text("document.querySelector('h1').textContent"), "Stop web?");
        assert_eq!(shop.project.word("web"), "ready", "the link alone stops nothing");
        browser.click("#confirm");
        shop.project.wait_for_word("web", "off");
        browser.wait_for(IS_LIVE);
    });
}

#[test]
fn without_a_tcp_address_a_page_is_opened_for_one_browser() {
    let Some(mut browser) = Browser::start() else { return };
    let project = TestProject::toml(&format!("name = \"shop\"\n{TWO}"));
    let up = project.up();
    project.wait_for_word("web", "ready");
    let ui = project.start(&["ui", "--web"]);
    ui.wait_for("#key=");
    let url = ui.stdout().trim().to_owned();
    let (page, _) = url.split_once('#').unwrap();

    browser.open(page);
    browser.wait_for("document.querySelector('h1')?.textContent === 'This page needs its address'");
    browser.open("about:blank");
    browser.open(&url);
    browser.wait_for(&row_is("web", "ready"));
    assert_eq!(browser.text("location.href"), page, "the key has left the address");
    browser.click(&of_row("web", "stop"));
    browser.wait_for(&row_is("web", "off"));
    browser.open("about:blank");
    browser.open(page);
    browser.wait_for(&row_is("web", "off"));
    assert_eq!(browser.troubles(), [""; 0]);

    let mut other = Browser::start().unwrap();
    other.open(&url);
    other.wait_for("document.querySelector('.sheet')?.textContent.includes('has been opened before')");
    drop(ui);
    browser.wait_for("document.querySelector('#link')?.textContent === 'not reachable'");
    up.interrupt().expect_code(0);
}
