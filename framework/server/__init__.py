"""The edge: protocol limits, malformed requests, graceful stop, worker processes.

``framework.server.worker`` needs gunicorn and is imported only where several processes are wanted.
"""

from framework.server.app_keys import CANCEL_ON_DISCONNECT, SERVER_SETTINGS
from framework.server.connections import CONNECTIONS, Connections
from framework.server.lifecycle import LIFECYCLE, Lifecycle, Phase
from framework.server.service import SERVICE, Service
from framework.server.serving import Running, run, serve
from framework.server.settings import ServerSettings

__all__ = [
    "CANCEL_ON_DISCONNECT",
    "CONNECTIONS",
    "LIFECYCLE",
    "SERVER_SETTINGS",
    "SERVICE",
    "Connections",
    "Lifecycle",
    "Phase",
    "Running",
    "ServerSettings",
    "Service",
    "run",
    "serve",
]
