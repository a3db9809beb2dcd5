"""The edge: protocol limits, malformed requests, graceful stop, worker processes.

``framework.server.worker`` needs gunicorn and is imported only where several processes are wanted.
"""

from framework.server.keys import CANCEL_ON_DISCONNECT, DISPATCH, PREPARE, REFUSE, SERVER_SETTINGS, STARTED
from framework.server.lifecycle import CONNECTIONS, LIFECYCLE, Connections, Lifecycle, Phase
from framework.server.serving import Running, run, serve
from framework.server.settings import ServerSettings

__all__ = [
    "CANCEL_ON_DISCONNECT",
    "CONNECTIONS",
    "DISPATCH",
    "LIFECYCLE",
    "PREPARE",
    "REFUSE",
    "SERVER_SETTINGS",
    "STARTED",
    "Connections",
    "Lifecycle",
    "Phase",
    "Running",
    "ServerSettings",
    "run",
    "serve",
]
