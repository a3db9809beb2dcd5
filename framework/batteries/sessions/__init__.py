"""Sessions: what a browser's requests have in common, in an encrypted cookie or in a store.

A handler gets its session by naming a parameter ``session``. `sign_in`, `sign_out` and `rotate` change whose it is,
and its id with that.
"""

from framework.batteries.sessions.battery import battery, sign_out_everywhere
from framework.batteries.sessions.session import rotate, sign_in, sign_out
from framework.batteries.sessions.settings import SessionSettings
from framework.batteries.sessions.stores import MemoryStore

__all__ = [
    "MemoryStore",
    "SessionSettings",
    "battery",
    "rotate",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
]
