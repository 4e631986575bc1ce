"""The two ways to the data, with nothing but the standard library: Redis over its protocol, PostgreSQL through psql."""

import os
import socket
import subprocess


class Redis:
    """One connection that speaks RESP, as far as the shop needs it."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", int(os.environ["REDIS_PORT"])))
        self.replies = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.replies.close()
        self.socket.close()

    def call(self, *words):
        parts = [str(word).encode() for word in words]
        request = b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)
        self.socket.sendall(request)
        return self.reply()

    def reply(self):
        line = self.replies.readline()
        if not line:
            raise ConnectionError("redis hung up")
        kind, rest = line[:1], line[1:].strip()
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"$":
            return None if rest == b"-1" else self.replies.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return None if rest == b"-1" else [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest.decode()


def sql(statement, **values):
    """Runs a statement and returns its rows; `:'name'` in it stands for a value."""
    arguments = [f"--set={name}={value}" for name, value in values.items()]
    command = ["sh", "bin/pg", "psql", "-XqAt", "--set=ON_ERROR_STOP=1", *arguments, "--file=-"]
    done = subprocess.run(command, input=statement, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return [line.split("|") for line in done.stdout.splitlines()]
