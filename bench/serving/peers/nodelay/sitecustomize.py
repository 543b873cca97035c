"""Removes the stall from Python servers: they send header and body separately, and where their listener lacks TCP_NODELAY every answer on
a kept connection waits some 40 ms for the client's delayed acknowledgement. Connections inherit it from the listener.
"""

import socket

_bind = socket.socket.bind


def bind(self, *address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and self.type & socket.SOCK_STREAM:
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _bind(self, *address)


socket.socket.bind = bind
