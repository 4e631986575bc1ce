"""Takes orders from the queue and writes them into the table."""

import signal
import sys

from store import Redis, sql

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with Redis() as redis:
    print("waiting for orders")
    while True:
        _, item = redis.call("BRPOP", "orders", 0)
        [[number]] = sql("INSERT INTO orders (item) VALUES (:'item') RETURNING id", item=item)
        print(f"order {number}: {item}")
