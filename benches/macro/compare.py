#!/usr/bin/env python3
"""Measures `run` beside whatever it can be compared with on this machine, and prints one table.

    python3 benches/macro/compare.py                        # target/release/run and every peer on the PATH
    python3 benches/macro/compare.py --rounds 5 --only start,output --peer hivemind=/opt/hivemind

Python 3.9, Linux, and nothing else: the programs that are supervised are sh, seq and sleep. Rounds are interleaved, the figure is the
median, and a wrong answer (a program missing or left behind, a line lost or cut) is no figure. Only ratios inside one table mean anything.
"""
import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

WRITERS, LINES = 8, 50_000
FORMAT = "{name} %08.0f " + "." * 70
PATIENCE = 60


class Wrong(Exception):
    """An answer that is no answer."""


# How each tool is told what to run: a file, its text made of (name, command) pairs, a command line.
def procfile(programs, _directory):
    return "Procfile", "".join(f"{name}: exec {command}\n" for name, command in programs)


def run_toml(programs, _directory):
    one = '[program.{}]\ncommand = "exec {}"\nstartsecs = 0\nautorestart = true\n'
    return "run.toml", '[control]\nsocket = "s.sock"\n' + "".join(one.format(*program) for program in programs)


def supervisord_conf(programs, directory):
    head = (f"[supervisord]\nnodaemon=true\nsilent=true\nlogfile={directory}/main.log\npidfile={directory}/pid\n"
            f"[unix_http_server]\nfile={directory}/s.sock\n[supervisorctl]\nserverurl=unix://{directory}/s.sock\n"
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n")
    one = ("[program:{}]\ncommand={}\nstartsecs=0\nautorestart=true\nstdout_logfile=/dev/fd/1\nstdout_logfile_maxbytes=0\n"
           "redirect_stderr=true\n")
    return "s.conf", head + "".join(one.format(name, command.replace("%", "%%")) for name, command in programs)


# name: (config, command line after the tool, status command line or None, whether it restarts and speaks supervisord's protocol)
TOOLS = {
    "run": (run_toml, ["up"], ["ctl", "status"], True),
    "hivemind": (procfile, ["Procfile"], None, False),
    "overmind": (procfile, ["start", "-N"], None, False),
    "goreman": (procfile, ["-rpc-server=false", "start"], None, False),
    "honcho": (procfile, ["start"], None, False),
    "foreman": (procfile, ["start"], None, False),
    "ultraman": (procfile, ["start"], None, False),
    "supervisord": (supervisord_conf, ["-n", "-c", "s.conf"], ["-c", "s.conf", "status"], True),
}


class Session:
    """One tool with its programs in a directory of its own. Everything is gone at the end."""

    def __init__(self, name, path, scripts):
        self.name, self.path = name, path
        self.directory = os.path.realpath(tempfile.mkdtemp(prefix="compare-"))
        self.stamps, self.output = self.file("stamps"), self.file("output")
        for program, script in scripts.items():
            with open(self.file(program + ".sh"), "w") as out:
                out.write(script)
        config, command, self.status, _ = TOOLS[name]
        file, text = config([(program, f"sh {self.file(program)}.sh") for program in scripts], self.directory)
        with open(self.file(file), "w") as out:
            out.write(text)
        open(self.stamps, "w").close()
        self.began = time.monotonic()
        with open(self.output, "wb") as out, open(self.file("errors"), "wb") as errors:
            self.process = subprocess.Popen([path, *command], cwd=self.directory, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=errors, start_new_session=True)

    def file(self, name):
        return os.path.join(self.directory, name)

    def __enter__(self):
        return self

    def pids(self):
        with open(self.stamps) as stamps:
            return [int(line) for line in stamps if line.endswith("\n")]

    def wait_for(self, what, done):
        end = time.monotonic() + PATIENCE
        while not done():
            if self.process.poll() is not None:
                raise Wrong(f"it ended while waiting for {what}")
            if time.monotonic() > end:
                raise Wrong(f"no {what} within {PATIENCE} s")
            time.sleep(0.0005)
        return time.monotonic()

    def wait_for_starts(self, count):
        when = self.wait_for(f"{count} starts", lambda: len(self.pids()) >= count)
        if len(set(self.pids())) != count:
            raise Wrong(f"{len(self.pids())} starts instead of {count}")
        return when

    def memory(self):
        """PSS in MB of the tool without its programs."""
        own = [pid for pid in [self.process.pid, *descendants(self.process.pid)] if not is_program(pid)]
        return sum(field(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in own) / 1024

    def interrupt(self):
        """Ctrl-C; the seconds until everything is gone."""
        began, pids = time.monotonic(), self.pids()
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Wrong("Ctrl-C did not end it") from None
        if left := [pid for pid in pids if os.path.exists(f"/proc/{pid}")]:
            time.sleep(1)
            if any(os.path.exists(f"/proc/{pid}") for pid in left):
                raise Wrong(f"{len(left)} programs left behind")
        return time.monotonic() - began

    def __exit__(self, *_):
        mine = [self.process.pid, *descendants(self.process.pid), *self.pids()]
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                pass
        for pid in mine:
            # A number that is somebody else's by now does not run in our directory.
            if cwd(pid) == self.directory:
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def cwd(pid):
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def descendants(pid):
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        children = [int(child) for task in tasks for child in open(f"/proc/{pid}/task/{task}/children").read().split()]
    except OSError:
        return []
    return [pid for child in children for pid in (child, *descendants(child))]


def is_program(pid):
    try:
        return open(f"/proc/{pid}/comm").read().strip() in ("sleep", "seq")
    except OSError:
        return True


def field(file, name):
    try:
        return next(int(line.split()[1]) for line in open(file) if line.startswith(name))
    except (OSError, StopIteration):
        return 0


def sleepers(count):
    return {f"p{number}": 'echo $$ >> stamps\nexec sleep 600\n' for number in range(count)}


# The scenarios: each yields (metric, value).
def start(name, path):
    for count in (1, 10, 100):
        with Session(name, path, sleepers(count)) as session:
            yield f"start of {count}, ms", (session.wait_for_starts(count) - session.began) * 1000
            if count == 100:
                time.sleep(1)
                yield "memory with 100, MB", session.memory()
                yield "Ctrl-C with 100, ms", session.interrupt() * 1000


def output(name, path):
    def writer(program):
        seq = f"seq -f '{FORMAT.format(name=program)}' {LINES}"
        return f"echo $$ >> stamps\nwhile [ ! -e go ]; do sleep 0.02; done\n{seq}\necho {program} end\nexec sleep 600\n"

    writers = [f"w{number}" for number in range(WRITERS)]
    with Session(name, path, {program: writer(program) for program in writers}) as session:
        session.wait_for_starts(WRITERS)
        open(session.file("go"), "w").close()
        began, seen = time.monotonic(), bytearray()
        with open(session.output, "rb") as out:
            def is_through():
                seen.extend(out.read())
                return seen.count(b" end\n", max(0, len(seen) - (1 << 20))) and seen.count(b" end\n") == WRITERS
            took = session.wait_for("the last line", is_through) - began
        line = FORMAT.format(name="w0").replace("%08.0f", "00000000")
        for program in writers:
            whole = re.compile(FORMAT.format(name=program).replace("%08.0f", r"(\d{8})").replace(".", r"\.").encode() + rb"\r?$", re.M)
            numbers = [int(number) for number in whole.findall(seen)]
            if numbers != list(range(1, LINES + 1)):
                raise Wrong(f"{program}: {len(numbers)} of {LINES} lines came whole and in order")
        yield f"output of {WRITERS}, MB/s", WRITERS * LINES * (len(line) + 1) / 1e6 / took


def restart(name, path):
    if not TOOLS[name][3]:
        return
    with Session(name, path, sleepers(1)) as session:
        session.wait_for_starts(1)
        time.sleep(1.3)
        began = time.monotonic()
        os.kill(session.pids()[0], signal.SIGKILL)
        yield "restart of a killed one, ms", (session.wait_for_starts(2) - began) * 1000


def control(name, path):
    if not TOOLS[name][3]:
        return
    with Session(name, path, sleepers(100)) as session:
        session.wait_for_starts(100)
        session.wait_for("a socket", lambda: os.path.exists(session.file("s.sock")))
        time.sleep(1)
        command = path if name == "run" else os.path.join(os.path.dirname(path), "supervisorctl")
        took = []
        for _ in range(5):
            began = time.monotonic()
            shown = subprocess.run([command, *session.status], cwd=session.directory, capture_output=True, text=True).stdout
            took.append((time.monotonic() - began) * 1000)
            if shown.count("RUNNING") != 100:
                raise Wrong(f"status shows {shown.count('RUNNING')} of 100 running")
        yield "status of 100, ms", statistics.median(took)
        yield "getAllProcessInfo of 100, calls/s", calls_per_second(session.file("s.sock"))


def calls_per_second(path):
    body = b"<?xml version='1.0'?><methodCall><methodName>supervisor.getAllProcessInfo</methodName><params></params></methodCall>"
    request = b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        calls, began = 0, time.monotonic()
        while time.monotonic() < began + 2:
            client.sendall(request)
            answer = bytearray()
            while b"\r\n\r\n" not in answer:
                answer += client.recv(1 << 16)
            head, _, rest = bytes(answer).partition(b"\r\n\r\n")
            length = int(re.search(rb"(?i)content-length: *(\d+)", head).group(1))
            rest = bytearray(rest)
            while len(rest) < length:
                rest += client.recv(1 << 18)
            if rest.count(b"<name>statename</name>") != 100:
                raise Wrong("an answer without 100 processes")
            calls += 1
        return calls / (time.monotonic() - began)


SCENARIOS = {"start": start, "output": output, "restart": restart, "control": control}


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", default=os.path.join(here, "../../target/release/run"), help="the binary (cargo build --release)")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PATH", help="one that is not on the PATH")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(SCENARIOS), help="some of " + ",".join(SCENARIOS))
    options = parser.parse_args()
    paths = {name: shutil.which(name) for name in TOOLS} | dict(peer.split("=", 1) for peer in options.peer)
    paths["run"] = os.path.realpath(options.run)
    tools = [(name, paths[name]) for name in TOOLS if paths.get(name) and os.path.exists(paths[name])]
    if "run" not in dict(tools):
        sys.exit(f"there is no {paths['run']}: cargo build --release makes it")
    figures, wrong = {}, {}
    for scenario in options.only.split(","):
        for number in range(options.rounds):
            for name, path in tools[number % len(tools):] + tools[:number % len(tools)]:
                print(f"\r{scenario} {number + 1} {name:12}", end="", file=sys.stderr, flush=True)
                try:
                    for metric, value in SCENARIOS[scenario](name, path):
                        figures.setdefault(metric, {}).setdefault(name, []).append(value)
                except (Wrong, OSError) as error:
                    wrong.setdefault(f"{scenario}, {name}", str(error))
    print(file=sys.stderr)
    report([name for name, _ in tools], figures, wrong)


def report(names, figures, wrong):
    print("| | " + " | ".join(names) + " |\n|" + "---|" * (len(names) + 1))
    for metric, values in figures.items():
        shown = [f"{statistics.median(values[name]):.4g}" if name in values else "" for name in names]
        print(f"| {metric} | " + " | ".join(shown) + " |")
    for where, why in wrong.items():
        print(f"\nNo figure: {where}: {why}")


if __name__ == "__main__":
    main()
