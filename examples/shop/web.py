"""Takes orders into the queue, and shows those that the worker has written into the table."""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from store import Redis, sql


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            self.health()
        elif self.path == "/":
            rows = sql("SELECT item, count(*) FROM orders GROUP BY item ORDER BY item")
            with Redis() as redis:
                waiting = redis.call("LLEN", "orders")
            self.answer(200, {"orders": {item: int(count) for item, count in rows}, "waiting": waiting})
        else:
            self.answer(404, {"error": "try / or POST /orders?ITEM"})

    def do_POST(self):
        path, _, item = self.path.partition("?")
        if path != "/orders" or not item:
            self.answer(404, {"error": "try POST /orders?ITEM"})
            return
        with Redis() as redis:
            redis.call("LPUSH", "orders", item)
        self.answer(202, {"accepted": item})

    def health(self):
        try:
            sql("SELECT 1 FROM orders LIMIT 1")
            with Redis() as redis:
                redis.call("PING")
        except (OSError, RuntimeError) as problem:
            self.answer(503, str(problem))
        else:
            self.answer(200, "fine")

    def answer(self, status, body):
        is_text = isinstance(body, str)
        data = (body if is_text else json.dumps(body)).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if is_text else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *words):
        print(format % words)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
port = int(os.environ["PORT"])
print(f"the shop is open at http://127.0.0.1:{port}")
ThreadingHTTPServer(("127.0.0.1", port), Shop).serve_forever()
