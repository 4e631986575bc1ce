#!/usr/bin/env python3
"""Records what the real supervisorctl says and asks, for the replays in replay.rs.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install supervisor==4.3.0
    python3 tests/ctl/record.py /tmp/venv

Every scenario of scenarios.json is played by the real supervisorctl against a real supervisord of its own (supervisord.conf), through
a proxy on a UNIX socket that writes down every request and its answer. recorded/NAME.json then has, for each step, the arguments,
stdin, stdout, stderr, the exit code and the requests in order. In the texts, directories and URLs are replaced by {placeholders},
the place in Python's source is cut off error lines, and a command's help is replaced by <help COMMAND>: our help has our words.
"""

import json
import os
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import xmlrpc.client

HERE = os.path.dirname(os.path.abspath(__file__))
COMMANDS = ("add avail clear exit fg help maintail open pid quit reload remove reread restart shutdown signal start status "
            "stop tail update version").split()
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"}


def wait_until(what, condition):
    for _ in range(400):
        if condition():
            return
        time.sleep(0.05)
    raise SystemExit("not in time: " + what)


def can_connect(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


class Proxy(socketserver.ThreadingUnixStreamServer):
    """Hands every request on over a connection of its own, and keeps both sides."""

    daemon_threads = True

    def __init__(self, path, upstream):
        super().__init__(path, Handler)
        self.upstream = upstream
        self.exchanges = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            head = self.head(self.rfile)
            if not head:
                return
            line, headers = head
            method, path, _ = line.split(" ", 2)
            body = self.rfile.read(int(headers.get("content-length", 0)))
            exchange = {"method": method, "path": path, "authorization": headers.get("authorization")}
            if body:
                params, name = xmlrpc.client.loads(body)
                exchange["call"] = [name, list(params)]
            self.server.exchanges.append(exchange)
            with socket.socket(socket.AF_UNIX) as upstream:
                upstream.connect(self.server.upstream)
                lines = ["%s %s HTTP/1.1" % (method, path)] + ["%s: %s" % item for item in headers.items()]
                upstream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
                if not self.answer(upstream.makefile("rb"), exchange):
                    return

    def head(self, file):
        lines = []
        while True:
            line = file.readline().decode("latin-1")
            if not line:
                return None
            if line in ("\r\n", "\n"):
                if lines:
                    break
                continue
            lines.append(line.rstrip("\r\n"))
        headers = dict((name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines[1:]))
        return lines[0], headers

    def answer(self, file, exchange):
        head = self.head(file)
        if not head:
            exchange["status"] = "none"
            return False
        line, headers = head
        exchange["status"] = line.split(" ", 1)[1]
        if headers.get("transfer-encoding") == "chunked":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            return self.chunks(file, exchange)
        body = file.read(int(headers.get("content-length", 0)))
        exchange["body"] = body.decode()
        connection = "Connection: close\r\n" if headers.get("connection") == "close" else ""
        answer = "HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n" % (exchange["status"], connection, len(body))
        self.wfile.write(answer.encode() + body)
        return not connection

    def chunks(self, file, exchange):
        exchange["stream"] = ""
        while True:
            size = int(file.readline() or b"0", 16)
            data = file.read(size)
            file.readline()
            exchange["stream"] += data.decode()
            try:
                self.wfile.write(b"%x\r\n" % size + data + b"\r\n")
            except OSError:
                return False
            if size == 0:
                exchange["ended"] = True
                return False


class Stage:
    """A directory with a running supervisord, and sockets where nobody is."""

    def __init__(self, venv, scenario):
        self.venv = venv
        self.directory = tempfile.mkdtemp(prefix="ctl-")
        os.mkdir(self.path("conf.d"))
        with open(os.path.join(HERE, "supervisord.conf")) as source:
            conf = source.read()
        if scenario.get("auth"):
            conf = conf.replace("s.sock\n\n[supervisord]", "s.sock\nusername = ann\npassword = secret\n\n[supervisord]")
        with open(self.path("supervisord.conf"), "w") as target:
            target.write(conf)
        with socket.socket(socket.AF_UNIX) as refused:
            refused.bind(self.path("refused.sock"))
        command = [os.path.join(venv, "bin/supervisord"), "-n", "-s", "-c", self.path("supervisord.conf")]
        self.daemon = subprocess.Popen(command, env=ENVIRONMENT, cwd=self.directory, stdin=subprocess.DEVNULL)
        wait_until("supervisord listens", lambda: can_connect(self.path("s.sock")))
        wait_until("all is up", lambda: open(self.path("main.log")).read().count("entered RUNNING") >= 6)
        wait_until("talk has said all", lambda: self.has_talked())
        self.proxy = Proxy(self.path("proxy.sock"), self.path("s.sock"))

    def has_talked(self):
        logs = [name for name in os.listdir(self.directory) if name.startswith("talk-std")]
        return len(logs) == 2 and all(os.path.getsize(self.path(name)) for name in logs)

    def path(self, name):
        return os.path.join(self.directory, name)

    def places(self):
        return {name: "unix://" + self.path(file) for name, file in
                (("url", "proxy.sock"), ("absent", "absent.sock"), ("refused", "refused.sock"))}

    def fill(self, text):
        for name, place in self.places().items():
            text = text.replace("{%s}" % name, place)
        return text

    def scrub(self, text, helps):
        for name, place in self.places().items():
            text = text.replace(place, "{%s}" % name)
        text = text.replace(self.directory, "{dir}")
        text = re.sub(r": file: \S+ line: \d+$", "", text, flags=re.M)
        for name, help_text in helps.items():
            text = text.replace(help_text, "<help %s>\n" % name)
        return text

    def play(self, arguments, stdin="", interrupt_after=None):
        where = [] if "-s" in arguments else ["-s", self.places()["url"]]
        command = [os.path.join(self.venv, "bin/supervisorctl")] + where + [self.fill(word) for word in arguments]
        child = subprocess.Popen(command, env=ENVIRONMENT, cwd=self.path("conf.d"), stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        said = b""
        if interrupt_after:
            while interrupt_after.encode() not in said:
                said += os.read(child.stdout.fileno(), 4096)
            # While it is still writing, the interrupt may get lost in its handlers.
            time.sleep(0.5)
            child.send_signal(signal.SIGINT)
        out, err = child.communicate(self.fill(stdin).encode())
        return (said + out).decode(), err.decode(), child.returncode

    def close(self):
        self.proxy.shutdown()
        self.proxy.server_close()
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()
        shutil.rmtree(self.directory)


def record(venv, scenario):
    stage = Stage(venv, scenario)
    helps = {name: stage.play(["help", name])[0] for name in COMMANDS}
    steps = []
    for step in scenario["steps"]:
        if "write" in step:
            with open(stage.path(step["write"]), "w") as target:
                target.write(step["text"])
            continue
        stage.proxy.exchanges.clear()
        out, err, code = stage.play(step["args"], step.get("stdin", ""), step.get("interrupt_after"))
        if step.get("ends"):
            stage.daemon.wait()
            stage.proxy.shutdown()
            stage.proxy.server_close()
            os.unlink(stage.path("proxy.sock"))
        # What getpass and Python itself say there is not of interest.
        err = "".join(line for line in err.splitlines(True) if "logtail" in line)
        steps.append(dict(step, stdout=stage.scrub(out, helps), stderr=stage.scrub(err, helps), code=code,
                          requests=[json.loads(stage.scrub(json.dumps(e, ensure_ascii=False), {})) for e in stage.proxy.exchanges]))
    stage.close()
    with open(os.path.join(HERE, "recorded", scenario["name"] + ".json"), "w") as target:
        json.dump({"name": scenario["name"], "steps": steps}, target, indent=1, ensure_ascii=False)
        target.write("\n")
    print(scenario["name"], len(steps))


def main():
    with open(os.path.join(HERE, "scenarios.json")) as source:
        scenarios = json.load(source)
    wanted = sys.argv[2:]
    for scenario in scenarios:
        if not wanted or scenario["name"] in wanted:
            record(os.path.abspath(sys.argv[1]), scenario)


if __name__ == "__main__":
    main()
