#!/usr/bin/env python3
"""Prints the functions that a small project needs from its start to its end, in the order in which they lie in the binary.

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
"""
LINES = 200_000


def watch(binary, folder):
    """Runs a small project under callgrind, and a `run status` beside it. A dump for each process is left in the folder."""
    (folder / "run.toml").write_text(CONFIG)
    env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")} | {"HOME": str(folder)}
    callgrind = ["valgrind", "-q", "--tool=callgrind", "--demangle=no", f"--callgrind-out-file={folder}/out.%p", binary]
    quiet = {"cwd": folder, "env": env, "stderr": subprocess.DEVNULL}
    up = subprocess.Popen([*callgrind, "up"], stdout=subprocess.PIPE, **quiet)
    lines = 0
    while lines < LINES and (line := up.stdout.readline()):
        lines += b"|" in line
    time.sleep(2)  # Coming to rest is part of it.
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
    with tempfile.TemporaryDirectory() as folder:
        watch(binary, Path(folder))
        used = {name for dump in Path(folder).glob("out.*") for name in executed(dump.read_text(), binary)}
    symbols = subprocess.run(["nm", "-n", binary], capture_output=True, text=True, check=True).stdout.splitlines()
    functions = [symbol.split()[-1] for symbol in symbols]
    print(*(name for name in functions if name in used), sep="\n")


if __name__ == "__main__":
    main()
