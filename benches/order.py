#!/usr/bin/env python3
"""Prints the functions that a small project needs from its start to its end: first those in which its threads go to sleep once it has
come to rest and given its code back, then those that are called after that, then the others, each in the order in which they lie in the
binary.

    python3 benches/order.py BINARY_WITH_SYMBOLS

For `.ci/release`, which links them side by side. Needs valgrind and nm.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from fnmatch import fnmatch
from pathlib import Path

CONFIG = """
[environment]
GREETING = "hello"

[program.one]
command = "seq 100000"
autorestart = false
startsecs = 0

[program.two]
command = ["sh", "-c", "echo $GREETING; seq 100000; exec sleep 1000"]
depends_on = [{ name = "one", until = "started" }]
ready = { log = "hello" }
stopwaitsecs = 5

[program.three]
command = ["sh", "-c", "echo I am $$; exec sleep 1000"]
startsecs = 0
"""
LINES = 200_000
REST = 2  # seconds
GIVES_CODE_BACK = "*give_back_memory*"
SPAWNER = "*spawner6server4live*"
# What a thread that has given the code back returns to and sleeps in, in the supervisor and in the spawner: with the rest of the code
# gone, each block of the file in which one of these lies is mapped again at once, and stays.
SLEEPERS = [GIVES_CODE_BACK, "*7Condvar12wait_timeout*", "*8Timespec*", "*begin_short_backtrace*", "*6server*5sleep*"]
SLEEPERS += ["*come_to_rest*", "*task3raw4poll*", "*7harness*", "*9set_stage*", SPAWNER]


def watch(binary, folder):
    """Runs a small project under callgrind, ends one of its programs once it has come to rest, and asks for its status. Dumps are left
    in the folder: of the supervisor one from its beginning to its rest, one of its rest, and one for what follows; of the spawner, which
    never rests under callgrind, what it does itself."""
    (folder / "run.toml").write_text(CONFIG)
    env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")} | {"HOME": str(folder)}
    callgrind = ["valgrind", "-q", "--tool=callgrind", "--demangle=no", f"--dump-before={GIVES_CODE_BACK}", f"--zero-before={SPAWNER}"]
    callgrind += [f"--callgrind-out-file={folder}/out.%p", binary]
    quiet = {"cwd": folder, "env": env, "stderr": subprocess.DEVNULL}
    up = subprocess.Popen([*callgrind, "up"], stdout=subprocess.PIPE, **quiet)
    lines, pid = 0, None
    while (lines < LINES or pid is None) and (line := up.stdout.readline()):
        lines += b"|" in line
        pid = line.split()[-1] if b"I am" in line else pid
    time.sleep(REST)
    subprocess.run(["callgrind_control", "--dump", str(up.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    os.kill(int(pid), signal.SIGKILL)
    while b"I am" not in (line := up.stdout.readline()) and line:
        pass
    subprocess.run([*callgrind, "status"], stdout=subprocess.DEVNULL, check=False, **quiet)
    up.send_signal(signal.SIGINT)
    up.stdout.read()
    up.wait()


def executed(dump, binary):
    """The functions of our binary that a dump of callgrind counts, by their mangled names."""
    names = {"ob": {}, "fn": {}}
    ours = False
    for called, kind, number, name in re.findall(r"^(c?)(ob|fn)=\((\d+)\)(?: (.*))?$", dump, re.MULTILINE):
        if name:
            names[kind][number] = re.sub(r"'\d+$", "", name)
        if kind == "ob" and not called:
            ours = names[kind][number] == binary
        elif kind == "fn" and not called and ours:
            yield names[kind][number]


def main():
    binary = os.path.realpath(sys.argv[1])
    used, late, resting = set(), set(), set()
    with tempfile.TemporaryDirectory() as folder:
        watch(binary, Path(folder))
        dumps = {dump: dump.read_text() for dump in Path(folder).glob("out.*")}
        rested = {dump.with_suffix("") for dump, text in dumps.items() if "--dump-before" in text}
        for dump, text in dumps.items():
            names = set(executed(text, binary))
            used |= names
            is_spawner = any(fnmatch(name, SPAWNER) for name in names)
            if is_spawner or dump in rested:
                late |= names
            if is_spawner or dump.suffix == ".2":
                resting |= names
    symbols = subprocess.run(["nm", "-n", binary], capture_output=True, text=True, check=True).stdout.splitlines()
    functions = [name for symbol in symbols if (name := symbol.split()[-1]) in used]
    sleepers = [name for pattern in SLEEPERS for name in functions if name in resting and fnmatch(name, pattern)]
    print(*dict.fromkeys(sleepers + sorted(functions, key=lambda name: name not in late)), sep="\n")


if __name__ == "__main__":
    main()
