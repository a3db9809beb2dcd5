"""TCP ports that belong to one test run, whatever else happens on the machine."""

from __future__ import annotations

import contextlib
import socket

_held = contextlib.ExitStack()


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that a server of ours may listen on, and nobody else gets from the system.

    NOTE: a port that is looked up and let go may be given to a connection, or to the test in the next process, before
    the server asks for it. This one stays bound here, without listening, until the process ends: with ``SO_REUSEADDR``,
    which every server sets, another socket may listen on it, but the system gives it to nobody who asks for any port.
    Until a server listens, connections to it are refused.
    """
    holder = _held.enter_context(socket.socket())
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    return port
