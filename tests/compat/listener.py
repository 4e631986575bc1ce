"""An event listener that writes down what it gets, as a line of JSON for each event.

listener.py FILE [MODE]: `fail` refuses each event once, `die` dies over its first one, `garbage` says something else than READY,
`hold` answers
only once a file `go` is there, `babble` answers with what is no result.
"""

import json
import os
import sys
import time

FILE = sys.argv[1]
MODE = sys.argv[2] if len(sys.argv) > 2 else "ok"


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def note(what):
    with open(FILE, "a") as target:
        target.write(json.dumps(what) + "\n")


def seen(serial):
    if not os.path.exists(FILE):
        return False
    with open(FILE) as source:
        return any(json.loads(line)["header"]["serial"] == serial for line in source)


if MODE == "garbage":
    say("nonsense\n")
    sys.stdin.read()

while True:
    say("READY\n")
    line = sys.stdin.readline()
    if not line:
        break
    header = dict(word.split(":", 1) for word in line.split())
    payload = sys.stdin.read(int(header["len"]))
    again = seen(header["serial"])
    note({"header": header, "payload": payload, "pid": os.getpid()})
    if MODE == "hold":
        while not os.path.exists("go"):
            time.sleep(0.02)
    if MODE == "die" and not again:
        sys.exit(1)
    if MODE == "babble":
        say("BOO 2\n")
        sys.stdin.read()
    say("RESULT 4\nFAIL" if MODE == "fail" and not again else "RESULT 2\nOK")
