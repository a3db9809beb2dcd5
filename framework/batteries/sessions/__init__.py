"""Keep what a browser's requests have in common: sessions in an encrypted cookie, or in a store with an id in the cookie.

A handler gets its session by naming a parameter ``session``. `sign_in`, `sign_out` and `rotate` change who it
belongs to, and its id with it.
"""

from framework.batteries.sessions.battery import battery
from framework.batteries.sessions.session import rotate, sign_in, sign_out
from framework.batteries.sessions.settings import SessionSettings
from framework.batteries.sessions.stores import CookieStore, MemoryStore, SessionStore

__all__ = ["CookieStore", "MemoryStore", "SessionSettings", "SessionStore", "battery", "rotate", "sign_in", "sign_out"]
