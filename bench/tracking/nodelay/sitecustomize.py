"""Removes the stall from MLflow's server: it sends header and body separately, and its listener, which the workers inherit, lacks
TCP_NODELAY, so that every answer on a kept connection waits some 40 ms for the client's delayed acknowledgement.
"""

import socket

_listen = socket.socket.listen


def listen(self, *backlog):
    if self.family in (socket.AF_INET, socket.AF_INET6) and self.type & socket.SOCK_STREAM:
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _listen(self, *backlog)


socket.socket.listen = listen
