import os

from tasks import add


def application(environ, start_response):
    if environ["PATH_INFO"] == "/sum":
        text = str(add.delay(2, 3).get(timeout=20))
    else:
        text = os.environ["GREETING"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [text.encode()]
