//! Every page at every width, in both schemes: nothing scrolls sideways. `RUN_WEB_SHOTS=DIR` keeps the pictures.

use crate::browser::Browser;
use crate::page::Shop;

/// One program in each state that lasts.
const SHOP: &str = r#"
[program.db]
command = "echo ready to accept connections; exec sleep 10000"
ready = { log = "ready to" }
port = "auto"
[task.migrate]
command = "echo applied 3 migrations"
depends_on = ["db"]
[program.api]
command = "printf '\\033[32mINFO\\033[0m listening\\n\\033[1;31mERROR\\033[0m \\033[38;5;208morange\\033[0m \\033[44m on blue \\033[0m a-very-long-word-that-has-no-place-to-break-and-goes-on-and-on-and-on-and-on-and-on-and-on\\n'; exec sleep 10000"
ready = { log = "listening" }
depends_on = ["db", "migrate"]
port = "auto"
[program.web]
command = "exec sleep 10000"
ready = { tcp = 1 }
depends_on = ["api"]
[program.worker]
command = "echo worker; exec sleep 10000"
numprocs = 3
depends_on = ["db"]
[program.mailer]
command = "echo 'RuntimeError: queue refused: bad credentials'; exit 1"
startretries = 0
startsecs = 60
[program.reports]
command = "exec sleep 10000"
depends_on = ["mailer", { name = "db", restart = true }]
[program.a-program-with-quite-a-long-name]
command = "exec sleep 10000"
autostart = false
"#;

const PAGES: [(&str, &str, &str); 5] = [
    ("programs", "#/", "document.querySelectorAll('tr.program').length === 10"),
    ("logs", "#/logs", "document.querySelectorAll('.line').length > 4"),
    ("log", "#/logs/api?q=list", "document.querySelectorAll('.log mark').length > 0"),
    ("program", "#/program/reports", "document.querySelector('.because').textContent !== ''"),
    ("graph", "#/graph", "document.querySelectorAll('.graph a[href]').length === 8"),
];

/// Whether everything is within the page.
const FITS: &str = "document.documentElement.scrollWidth <= document.documentElement.clientWidth";

#[test]
fn no_page_scrolls_sideways_at_any_width_in_any_scheme() {
    let Some(mut browser) = Browser::start() else { return };
    let shop = Shop::with(SHOP);
    let up = shop.project.up();
    shop.project.wait_for_word("mailer", "failed");
    shop.project.wait_for_word("worker:worker_2", "ready");
    shop.project.run(&["restart", "worker"]).expect_code(0);
    for width in [360, 768, 1280] {
        for is_dark in [false, true] {
            browser.look(width, 800, is_dark);
            for (name, hash, is_there) in PAGES {
                browser.open("about:blank");
                browser.open(&shop.url(hash));
                browser.wait_for(is_there);
                browser.shoot(&format!("{name}-{width}-{}", if is_dark { "dark" } else { "light" }));
                assert_eq!(browser.js(FITS), true, "{name} at {width}");
            }
        }
    }
    for (name, path) in [("confirm", "?action=stop&processname=api"), ("tail", "tail.html?processname=api")] {
        browser.look(360, 800, false);
        browser.open(&shop.url(path));
        browser.shoot(name);
        assert_eq!(browser.js(FITS), true, "{name}");
    }
    assert_eq!(browser.troubles(), [""; 0]);
    up.interrupt().expect_code(1);
}
