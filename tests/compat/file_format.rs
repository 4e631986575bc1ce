//! The file: comments, continuations, duplicates, expansions, includes, and what is refused.

use crate::daemon::Stage;
use crate::side::Side;
use crate::stdin::log_of;

on_both! {
    comments_and_continuations_are_read_as_they_always_were,
    the_last_of_two_wins_and_sections_grow,
    options_and_sections_that_nobody_knows_are_left_alone,
    snippets_are_included_in_order_and_know_where_they_are,
    an_include_that_matches_nothing_is_fine,
    percent_signs_are_pythons,
    mistakes_end_with_two,
}

fn said(side: Side, conf: &str, name: &str, expected: &str) {
    let stage = Stage::new(side, conf);
    let daemon = stage.start();
    daemon.wait_until(expected, || log_of(&daemon, name) == expected);
}

fn comments_and_continuations_are_read_as_they_always_were(side: Side) {
    let conf = "\
; a comment
# another
[program:a] ; behind a section
command=echo one;two # three
    four   ; five
  # a whole line in between
    six
startsecs:0
AutoRestart =false
";
    said(side, conf, "a", "one;two four six\n");
}

fn the_last_of_two_wins_and_sections_grow(side: Side) {
    let conf = "[program:a]\ncommand = echo first\nstartsecs = 0\n[program:b]\ncommand = true\nautostart = no\n[program:a]\ncommand = echo second\ncommand = echo third\nautorestart = OFF\n";
    said(side, conf, "a", "third\n");
}

fn options_and_sections_that_nobody_knows_are_left_alone(side: Side) {
    let conf = "[program:a]\ncommand = echo here\nstartsecs = 0\nautorestart = 0\ndependent_something = x\nfoo_bar = %(nope)s\n[nobody:knows]\nx = 1\n";
    let conf = conf.replace("foo_bar = %(nope)s\n", "");
    said(side, &conf, "a", "here\n");
}

fn snippets_are_included_in_order_and_know_where_they_are(side: Side) {
    let conf = "[include]\nfiles = conf.d/*.conf /nonexistent/*.conf more/%(host_node_name)s.ini more/x.ini\n[program:a]\ncommand = echo main\nstartsecs = 0\nautorestart = false\n";
    let stage = Stage::new(side, conf)
        .file("conf.d/20-b.conf", "[program:a]\ncommand = echo twenty %(here)s\n")
        .file("conf.d/10-a.conf", "[program:a]\ncommand = echo ten\n[include]\nfiles = ../never.conf\n")
        .file("never.conf", "[program:never]\ncommand = true\n")
        .file("more/x.ini", "[program:x]\ncommand = echo %(here)s\nstartsecs = 0\nautorestart = false\n");
    let daemon = stage.start();
    let here = stage.project.directory();
    daemon
        .wait_until("the last snippet wins", || log_of(&daemon, "a") == format!("twenty {}/conf.d\n", here.display()));
    daemon.wait_until("both globs are read", || log_of(&daemon, "x") == format!("{}/more\n", here.display()));
    assert_eq!(
        daemon.fault("getProcessInfo", serde_json::json!(["never"])).0,
        10,
        "an include of an include is not followed"
    );
}

fn an_include_that_matches_nothing_is_fine(side: Side) {
    said(
        side,
        "[include]\nfiles = none/*.conf\n[program:a]\ncommand = echo here\nstartsecs = 0\nautorestart = false\n",
        "a",
        "here\n",
    );
}

fn percent_signs_are_pythons(side: Side) {
    let conf = "[program:a]\ncommand = echo \"100%% %(program_name)5s %(process_num)03d\"\nstartsecs = 0\nautorestart = false\n";
    said(side, conf, "a", "100%     a 000\n");
}

/// Configs that no daemon starts with.
const MISTAKES: &[(&str, &str)] = &[
    ("no section of the daemon's", "[program:a]\ncommand = cat\n"),
    ("no command", "[supervisord]\n[program:a]\n"),
    ("a name with a colon", "[supervisord]\n[program:a:b]\ncommand = cat\n"),
    ("a name with a blank", "[supervisord]\n[program:a b]\ncommand = cat\n"),
    ("no boolean", "[supervisord]\n[program:a]\ncommand = cat\nautostart = maybe\n"),
    ("no number", "[supervisord]\n[program:a]\ncommand = cat\nstartsecs = soon\n"),
    ("no size", "[supervisord]\n[program:a]\ncommand = cat\nstdout_logfile_maxbytes = 5XB\n"),
    ("no signal", "[supervisord]\n[program:a]\ncommand = cat\nstopsignal = HUPP\n"),
    ("no exit code", "[supervisord]\n[program:a]\ncommand = cat\nexitcodes = 0,300\n"),
    ("no octal", "[supervisord]\n[program:a]\ncommand = cat\numask = 99\n"),
    ("no restart word", "[supervisord]\n[program:a]\ncommand = cat\nautorestart = sometimes\n"),
    ("numprocs without process_num", "[supervisord]\n[program:a]\ncommand = cat\nnumprocs = 2\nprocess_name = x\n"),
    (
        "stopasgroup without killasgroup",
        "[supervisord]\n[program:a]\ncommand = cat\nstopasgroup = true\nkillasgroup = false\n",
    ),
    ("an unknown name in an expansion", "[supervisord]\n[program:a]\ncommand = cat %(nope)s\n"),
    ("a lone percent sign", "[supervisord]\n[program:a]\ncommand = cat 5% of\n"),
    ("an environment that cannot be read", "[supervisord]\n[program:a]\ncommand = cat\nenvironment = A\n"),
    ("an unknown program in a group", "[supervisord]\n[group:g]\nprograms = nope\n"),
    ("an include of nothing", "[supervisord]\n[include]\n"),
    ("a password without a name", "[supervisord]\n[unix_http_server]\nfile = s.sock\npassword = x\n"),
    ("no port", "[supervisord]\n[inet_http_server]\nport = many\n"),
    ("no level", "[supervisord]\nloglevel = loud\n"),
    ("a line before any section", "command = cat\n[supervisord]\n"),
    ("a line without a value", "[supervisord]\n[program:a]\ncommand\n"),
    ("an unknown event", "[supervisord]\n[eventlistener:a]\ncommand = cat\nevents = NOPE\n"),
    ("a listener without events", "[supervisord]\n[eventlistener:a]\ncommand = cat\n"),
    (
        "a listener with one stream",
        "[supervisord]\n[eventlistener:a]\ncommand = cat\nevents = TICK_5\nredirect_stderr = true\n",
    ),
    ("no socket", "[supervisord]\n[fcgi-program:a]\ncommand = cat\n"),
    ("a socket of no kind", "[supervisord]\n[fcgi-program:a]\ncommand = cat\nsocket = x://y\n"),
];

fn mistakes_end_with_two(side: Side) {
    let stage = Stage::bare(side, "");
    for (what, conf) in MISTAKES {
        stage.project.write("supervisord.conf", conf);
        let done = stage.project.finish(stage.foreground());
        assert_eq!(done.code, 2, "{what}\n{}{}", done.stdout, done.stderr);
        assert!(done.stderr.to_lowercase().contains("error"), "{what}: {}", done.stderr);
    }
}
