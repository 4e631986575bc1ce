#!/usr/bin/env python3
"""Asks the daemon over XML-RPC, as the script on stage did."""

import sys
from xmlrpc.client import ServerProxy

port = sys.argv[1] if len(sys.argv) > 1 else "9001"
server = ServerProxy("http://localhost:%s/RPC2" % port)
print(server.supervisor.getState())
info = server.supervisor.getProcessInfo("clock")
print(info["name"], info["statename"], info["logfile"])
