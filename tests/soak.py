#!/usr/bin/env python3
"""Fifty programs with random deaths, floods and runaway children, for some minutes, while configs change, clients ask, and viewers
come and go. Afterwards nothing may be left: no process, socket or lock, no descriptor, no memory, no lost or doubled line.

    tests/soak.py --minutes 20 --run target/release/run

Prints its figures, and ends with 0 if all of it holds. Needs Linux and Python 3.
"""

import argparse
import collections
import http.client
import os
import pty
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import xmlrpc.client

# What each program is: it numbers its lines, says in a file how far it came, and ends in one of several ways.
TALKER = r'''
import os, random, signal, subprocess, sys, time
name, directory = sys.argv[1:3]
# A number of its own: in a long soak pids come again.
me = f"{os.getpid()}{time.time_ns() // 1000 % 10**9:09}"
chance = random.Random(f"{name} {me}")
progress = os.open(f"{directory}/{name}.{me}", os.O_CREAT | os.O_WRONLY, 0o600)
count = 0
def say(lines):
    global count
    while lines:
        # What a pipe takes at once or not at all: a line that is held up in its middle would be shown in two parts.
        some = min(lines, 40)
        os.write(1, b"".join(b"%s %s %d %s\n" % (name.encode(), me.encode(), count + i + 1, b"x" * chance.choice((0, 5, 60))) for i in range(some)))
        count, lines = count + some, lines - some
        os.pwrite(progress, b"%12d" % count, 0)
if chance.random() < 0.2:
    subprocess.Popen(["setsid", "sh", "-c", "trap '' TERM; sleep 3000 & exit 0"], stdin=subprocess.DEVNULL)
if chance.random() < 0.2:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
end = time.monotonic() + chance.expovariate(1 / 20)
while time.monotonic() < end:
    say(chance.choice((1, 1, 1, 5)) if chance.random() < 0.98 else 3000)
    time.sleep(chance.choice((0.02, 0.1, 0.3)))
way = chance.random()
if way < 0.2:
    os.kill(os.getpid(), signal.SIGKILL)
elif way < 0.3:
    os.close(1)
    time.sleep(3)
sys.exit(chance.choice((0, 0, 1, 3)))
'''

MARK = "RUN_SOAK_MARK"


def config(programs, edition):
    """The project as it is in this edition: some programs come and go, some get another environment."""
    text = ["[environment]", 'PYTHONDONTWRITEBYTECODE = "1"']
    chance = random.Random(edition)
    for number in range(programs):
        if edition and chance.random() < 0.1:
            continue
        name = f"p{number:02}"
        text += [f"[program.{name}]", f'command = "python3 -S -E talker.py {name} $SOAK_PROGRESS"', "autorestart = true"]
        text += ["startretries = 1000000", 'startsecs = 0', 'stopwaitsecs = "300ms"']
        if number % 7 == 3:
            text += [f"environment = {{ EDITION = \"{edition // 3}\" }}"]
        if number % 10 == 9:
            text += [f'depends_on = [{{ name = "p{number - 1:02}", optional = true, until = "started" }}]']
    return "\n".join(text) + "\n"


class Lines:
    """The numbers of each incarnation, which have to come one after the other."""

    def __init__(self):
        self.last = {}
        self.count = 0
        self.wrong = []

    def take(self, line, prefixed=True):
        text = line.split(b"| ", 1)[-1] if prefixed else line
        words = text.split(b" ")
        if len(words) < 3 or not words[0].startswith(b"p") or not words[1].isdigit() or not words[2].isdigit():
            if not text.startswith((b"...", b"\xe2\x80\xa6")) and len(self.wrong) < 20 and text.strip():
                self.wrong.append(f"not a line of anybody: {line[:100]!r}")
            return
        who, number = (words[0], int(words[1])), int(words[2])
        if prefixed and line.split(b"|", 1)[0].strip() != words[0]:
            self.wrong.append(f"a forged prefix: {line[:100]!r}")
        if number != self.last.get(who, number - 1 if not prefixed else 0) + 1 and len(self.wrong) < 20:
            self.wrong.append(f"{who[0].decode()} ({who[1]}): {number} after {self.last.get(who)}")
        self.last[who] = number
        self.count += 1


class Connection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


class Transport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        return Connection(self.path)


class Soak:
    def __init__(self, options):
        self.options = options
        self.base = tempfile.mkdtemp(prefix="soak-")
        self.project = os.path.join(self.base, "project")
        self.progress = os.path.join(self.base, "progress")
        for name in ("project", "progress", "home", "state", "r"):
            os.mkdir(os.path.join(self.base, name), 0o700)
        mark = os.path.basename(self.base)
        self.mark = f"{MARK}={mark}".encode()
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": f"{self.base}/home", "XDG_STATE_HOME": f"{self.base}/state",
            "XDG_RUNTIME_DIR": f"{self.base}/r", "SOAK_PROGRESS": self.progress, MARK: mark, "TZ": "UTC",
        }
        self.is_over = threading.Event()
        self.tally = collections.Counter()
        self.faults = []
        self.samples = []

    def run(self, *arguments, **more):
        return subprocess.run([self.options.run, *arguments], cwd=self.project, env=self.environment, capture_output=True, timeout=120, **more)

    def write_config(self, edition):
        beside = f"{self.project}/.run.toml"
        with open(beside, "w") as file:
            file.write(config(self.options.programs, edition))
        os.rename(beside, f"{self.project}/run.toml")

    def processes(self):
        """The living processes of this soak: pid to command name and parent."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if self.mark not in file.read().split(b"\0"):
                        continue
                with open(f"/proc/{pid}/stat") as file:
                    name, _, rest = file.read().partition("(")[2].rpartition(")")
                state, parent = rest.split()[:2]
                if state not in "ZX":
                    found[int(pid)] = (name, int(parent))
            except OSError:
                continue
        return found

    # What goes on meanwhile, each in a thread of its own.

    def read_stream(self, stream, lines):
        rest = b""
        chance = random.Random(1)
        while block := os.read(stream.fileno(), 1 << 16):
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                lines.take(line)
            if chance.random() < 0.0005:
                time.sleep(2)  # A reader that is busy elsewhere: it may cost time, never a line.

    def ask(self, chance):
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=Transport(self.socket))
        while not self.is_over.wait(chance.random() / 10):
            name = f"p{chance.randrange(self.options.programs):02}"
            what = chance.randrange(7)
            try:
                if what == 0:
                    proxy.supervisor.stopProcess(name, chance.random() < 0.5)
                    proxy.supervisor.startProcess(name, chance.random() < 0.5)
                elif what == 1:
                    proxy.supervisor.tailProcessStdoutLog(name, 0, 10000)
                elif what == 2:
                    proxy.supervisor.signalProcess(name, "KILL")
                elif what == 3:
                    proxy.system.multicall([{"methodName": "supervisor.getState"}] * 5)
                else:
                    proxy.supervisor.getAllProcessInfo()
                self.tally["calls"] += 1
            except xmlrpc.client.Fault as fault:
                self.tally["faults that are answers"] += 1
                if fault.faultCode not in (10, 30, 40, 50, 60, 70, 80, 90):
                    self.faults.append(f"RPC: {fault}")
            except Exception as error:  # noqa: BLE001: whatever it is, it is a finding
                if not self.is_over.is_set():
                    self.faults.append(f"RPC: {error!r}")
                    proxy = xmlrpc.client.ServerProxy("http://localhost", transport=Transport(self.socket))

    def view(self, chance):
        while not self.is_over.wait(chance.random() * 3):
            viewer = subprocess.Popen([self.options.run, "logs", "-f", "-n", "100"], cwd=self.project, env=self.environment,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            for _ in range(chance.choice((0, 5, 40))):
                viewer.stdout.read1(4096)
                if chance.random() < 0.2:
                    time.sleep(0.5)
            viewer.send_signal(chance.choice((signal.SIGINT, signal.SIGKILL, signal.SIGTERM)))
            viewer.stdout.close()
            viewer.wait()
            self.tally["viewers"] += 1

    def attach(self, chance):
        """At a terminal of their own: some leave by the key, some are shot, some lose their terminal."""
        while not self.is_over.wait(chance.random() * 3):
            name = f"p{chance.randrange(self.options.programs):02}"
            master, slave = pty.openpty()
            viewer = subprocess.Popen([self.options.run, "attach", name], cwd=self.project, env=self.environment | {"TERM": "xterm"},
                                      stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
            os.close(slave)
            for _ in range(chance.choice((1, 10))):
                if select.select([master], [], [], 0.3)[0]:
                    try:
                        os.read(master, 4096)
                    except OSError:
                        break
            way = chance.randrange(3)
            if way == 0:
                try:
                    os.write(master, b"\x1d")
                    select.select([master], [], [], 1)
                except OSError:
                    pass
            elif way == 1:
                viewer.kill()
            os.close(master)
            try:
                viewer.wait(10)
            except subprocess.TimeoutExpired:
                self.faults.append(f"run attach {name} does not end (way {way})")
                viewer.kill()
                viewer.wait()
            self.tally["attached"] += 1

    def knock(self, chance):
        """Clients that say nothing, half a request, or nonsense."""
        while not self.is_over.wait(chance.random()):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                try:
                    client.connect(self.socket)
                    client.sendall(chance.choice((b"", b"POST /RPC2 HT", b"\0\xff\n\n", b"GET / HTTP/1.1\r\n\r\n")))
                    time.sleep(chance.random())
                except OSError:
                    pass
            self.tally["rude clients"] += 1

    def change(self, chance):
        edition = 0
        while not self.is_over.wait(3 + chance.random() * 5):
            edition += 1
            if chance.random() < 0.2:
                with open(f"{self.project}/run.toml", "w") as file:
                    file.write("[[[ half a file")
                expected = 2
            else:
                self.write_config(edition)
                expected = None
            done = self.run("reload", "--no-wait")
            self.tally["reloads"] += 1
            if expected is not None and done.returncode != expected and not self.is_over.is_set():
                self.faults.append(f"reload: {done}")
        self.write_config(0)

    def sample(self):
        while not self.is_over.wait(2):
            self.samples.append(self.measure())

    def measure(self):
        figures = {"processes": len(self.processes()), "at": time.monotonic()}
        for who, pid in (("supervisor", self.up.pid), ("spawner", self.spawner)):
            with open(f"/proc/{pid}/smaps_rollup") as file:
                kib = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            figures[f"{who} KiB"] = kib
            figures[f"{who} descriptors"] = len(os.listdir(f"/proc/{pid}/fd"))
            figures[f"{who} threads"] = len(os.listdir(f"/proc/{pid}/task"))
        return figures

    def held_by(self, pid):
        """What the descriptors of a process are, and how many of each kind."""
        kinds = collections.Counter()
        for number in os.listdir(f"/proc/{pid}/fd"):
            try:
                kind = os.readlink(f"/proc/{pid}/fd/{number}")
            except OSError:
                continue
            kinds["a kept log" if "/logs/" in kind else kind.split("[")[0]] += 1
        return dict(kinds)

    def find_our_processes(self):
        self.spawner = next(pid for pid, (_, parent) in self.processes().items() if parent == self.up.pid)
        for directory, _, names in os.walk(f"{self.base}/r"):
            if "socket" in names:
                self.socket = f"{directory}/socket"

    def soak(self):
        with open(f"{self.project}/talker.py", "w") as file:
            file.write(TALKER)
        self.write_config(0)
        lines = Lines()
        errors = open(f"{self.base}/stderr", "wb")
        self.up = subprocess.Popen([self.options.run, "up", "--keep-going"], cwd=self.project, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL)
        reader = threading.Thread(target=self.read_stream, args=(self.up.stdout, lines))
        reader.start()
        while self.run("status", "--json").returncode == 2:
            time.sleep(0.1)
        self.find_our_processes()
        parts = [self.sample] + [lambda n=n: self.ask(random.Random(n)) for n in range(4)]
        parts += [lambda n=n: self.view(random.Random(n)) for n in range(2)]
        parts += [lambda: self.attach(random.Random(5))]
        parts += [lambda: self.knock(random.Random(7)), lambda: self.change(random.Random(9))]
        threads = [threading.Thread(target=part) for part in parts]
        for thread in threads:
            thread.start()
        time.sleep(self.options.minutes * 60)
        self.is_over.set()
        for thread in threads:
            thread.join()
        self.quiet_end(lines, reader)

    def quiet_end(self, lines, reader):
        """Everything is stopped, what is still held is looked at, and then all of it goes down."""
        self.run("reload", "--no-wait")
        stopped = self.run("stop", "*")
        if stopped.returncode:
            self.faults.append(f"stop: {stopped}")
        time.sleep(3)
        self.at_rest, self.rest = self.measure(), self.processes()
        self.held = self.held_by(self.up.pid)
        self.check_kept()
        if self.run("down").returncode:
            self.faults.append("down did not end with 0")
        self.up.wait(60)
        reader.join(60)
        time.sleep(0.5)
        left = self.processes()
        if left:
            self.faults.append(f"left running: {left}")
        files = [os.path.join(place, name) for place, _, names in os.walk(f"{self.base}/r") for name in names]
        if files:
            self.faults.append(f"left behind: {files}")
        self.check_stream(lines)

    def check_stream(self, lines):
        self.tally["lines"] = lines.count
        self.faults += [f"stream: {wrong}" for wrong in lines.wrong]
        missing = 0
        for name in os.listdir(self.progress):
            who, pid = name.split(".")
            with open(f"{self.progress}/{name}") as file:
                said = int(file.read() or 0)
            if lines.last.get((who.encode(), int(pid)), 0) < said:
                missing += 1
                self.faults.append(f"stream: {name} had said {said}, and {lines.last.get((who.encode(), int(pid)), 0)} came")
            self.tally["runs"] += 1
        self.tally["runs whose last lines are missing"] = missing

    def check_kept(self):
        for number in range(self.options.programs):
            name = f"p{number:02}"
            done = self.run("logs", "-n", "1000000", name)
            kept = Lines()
            for line in done.stdout.splitlines():
                kept.take(line.split(b"| ", 1)[-1], prefixed=False)
            self.tally["kept lines"] += kept.count
            self.faults += [f"kept log of {name}: {wrong}" for wrong in kept.wrong]

    def report(self):
        third = len(self.samples) // 3
        early, late = self.samples[third:2 * third], self.samples[2 * third:]
        print(f"{self.options.minutes} minutes, {self.options.programs} programs")
        for name, count in sorted(self.tally.items()):
            print(f"  {name:40} {count}")
        print(f"  {'':40} {'first':>9} {'middle':>9} {'last':>9} {'at rest':>9}   (most in each third, then with everything stopped)")
        for name in [name for name in self.samples[0] if name != "at"]:
            most = [max(sample[name] for sample in part) for part in (self.samples[:third], early, late)]
            print(f"  {name:40} {most[0]:9} {most[1]:9} {most[2]:9} {self.at_rest[name]:9}")
            if name.endswith("KiB") and most[2] > most[1] * 1.25 + 2048:
                self.faults.append(f"{name} grows: {most}")
        print(f"  at rest the supervisor holds: {self.held}")
        # Each program keeps its log open.
        if self.at_rest["supervisor descriptors"] > 40 + self.options.programs:
            self.faults.append(f"descriptors at rest: {self.held}")
        if self.at_rest["processes"] > 2:
            self.faults.append(f"processes at rest: {self.rest}")
        with open(f"{self.base}/stderr", "rb") as file:
            if b"panicked" in (text := file.read()):
                self.faults.append(text[text.index(b"panicked") - 200:][:1000].decode(errors="replace"))
        for fault in self.faults[:40]:
            print(f"WRONG: {fault}")
        print("nothing is left, nothing is lost" if not self.faults else f"{len(self.faults)} findings; all of it is in {self.base}")
        if not self.faults:
            shutil.rmtree(self.base)
        return 1 if self.faults else 0

    def end_everything(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--programs", type=int, default=50)
    parser.add_argument("--run", default=os.path.join(os.path.dirname(__file__), "../target/release/run"), help="the binary")
    options = parser.parse_args()
    options.run = os.path.abspath(options.run)
    soak = Soak(options)
    try:
        soak.soak()
        return soak.report()
    finally:
        soak.is_over.set()
        soak.end_everything()


if __name__ == "__main__":
    sys.exit(main())
