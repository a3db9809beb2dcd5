"""Bring clients together in rooms over WebSockets."""

from framework.batteries.sockets.handshake import UpgradeRequired
from framework.batteries.sockets.rooms import Member, Rooms, battery
from framework.batteries.sockets.settings import SocketSettings

__all__ = ["Member", "Rooms", "SocketSettings", "UpgradeRequired", "battery"]
