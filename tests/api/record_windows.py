#!/usr/bin/env python3
"""Records which bytes supervisord gives for sizes, offsets and lengths, through its RPC interface, into windows.tsv.

    python3 tests/api/record_windows.py VENV

VENV has supervisor 4.3.0. A daemon of its own is started in a temporary directory; the size is changed by writing the log file."""

import os
import subprocess
import sys
import tempfile
import time
import xmlrpc.client

from pathlib import Path

CONF = """[unix_http_server]
file = {0}/s.sock
[supervisord]
logfile = {0}/main.log
pidfile = {0}/main.pid
childlogdir = {0}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:x]
command = cat
autostart = false
stdout_logfile = {0}/x.log
"""

SIZES = [0, 1, 5, 20]
OFFSETS = [-30, -20, -5, -1, 0, 1, 4, 5, 10, 19, 20, 21, 30]
LENGTHS = [-5, -1, 0, 1, 5, 10, 20, 30]


def text(size):
    return "".join(chr(ord("a") + at % 26) for at in range(size))


def ask(server, method, size, offset, length):
    try:
        if method == "read":
            return server.supervisor.readProcessStdoutLog("x", offset, length)
        data, end, overflow = server.supervisor.tailProcessStdoutLog("x", offset, length)
        return f"{data} {end} {str(overflow).lower()}"
    except xmlrpc.client.Fault as fault:
        return fault.faultString


def main():
    bin = Path(sys.argv[1]) / "bin"
    sys.path[:0] = [str(next((Path(sys.argv[1]) / "lib").glob("python3*/site-packages")))]
    from supervisor.xmlrpc import SupervisorTransport

    with tempfile.TemporaryDirectory() as place:
        conf = Path(place, "supervisord.conf")
        conf.write_text(CONF.format(place))
        daemon = subprocess.Popen([bin / "supervisord", "-n", "-s", "-c", conf])
        try:
            while not Path(place, "s.sock").exists():
                time.sleep(0.05)
            transport = SupervisorTransport(None, None, f"unix://{place}/s.sock")
            server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport)
            rows = ["# method, size, offset, length, answer of supervisord 4.3.0; written by record_windows.py"]
            for size in SIZES:
                Path(place, "x.log").write_text(text(size))
                for method in ["read", "tail"]:
                    for offset in OFFSETS:
                        for length in LENGTHS:
                            answer = ask(server, method, size, offset, length)
                            rows.append(f"{method}\t{size}\t{offset}\t{length}\t{answer}")
        finally:
            daemon.terminate()
            daemon.wait()
    Path(__file__).with_name("windows.tsv").write_text("\n".join(rows) + "\n")


main()
