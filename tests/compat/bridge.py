"""The real xmlrpc.client, driven by lines of JSON.

Each line on stdin is {"url": …, "method": …, "params": […]}; a parameter {"base64": …} is sent as binary. Each line on stdout is
{"value": …}, {"fault": [code, text]} or {"http": [status, reason]}. A unix:// URL goes through supervisor's own transport.
"""

import base64
import json
import sys
import xmlrpc.client

from supervisor.xmlrpc import SupervisorTransport


def proxy(url):
    if url.startswith("unix://"):
        login, _, place = url[len("unix://"):].rpartition("@")
        name, _, password = login.partition(":")
        transport = SupervisorTransport(name or None, password or None, "unix://" + place)
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
    return xmlrpc.client.ServerProxy(url)


def param(value):
    if isinstance(value, dict) and set(value) == {"base64"}:
        return xmlrpc.client.Binary(base64.b64decode(value["base64"]))
    return value


def answer(request):
    # What attribute access makes of a dotted name, whatever the name.
    call = getattr(proxy(request["url"]), "_ServerProxy__request")
    try:
        return {"value": call(request["method"], tuple(param(value) for value in request["params"]))}
    except xmlrpc.client.Fault as fault:
        return {"fault": [fault.faultCode, fault.faultString]}
    except xmlrpc.client.ProtocolError as error:
        return {"http": [error.errcode, error.errmsg]}
    except Exception as error:
        return {"http": [0, "%s: %s" % (type(error).__name__, error)]}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
