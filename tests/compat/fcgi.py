"""Accepts on the socket that it got as its stdin, and says its pid to each client."""

import os
import socket

listener = socket.socket(fileno=0)
while True:
    client, _ = listener.accept()
    client.sendall(str(os.getpid()).encode())
    client.close()
