"""Load a session when it is asked for, and store it when it has changed."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import hdrs, web
from aiohttp_session import SESSION_KEY, AbstractStorage, Session

from framework.batteries.sessions.session import Record, StoredSession, find_record
from framework.batteries.sessions.settings import SessionSettings
from framework.batteries.sessions.stores import SessionStore
from framework.http.cookies import cookie_values

_LARGEST_COOKIE = 4096
_RENEWALS = 10


def is_over(record: Record, *, now: int, idle: int, absolute: int) -> bool:
    """Tell whether a session's time is up; all in seconds."""
    return now - record.renewed >= idle or now - record.started >= absolute


def is_due(session: StoredSession, *, now: int, idle: int) -> bool:
    """Tell whether a session is to be written: it has changed, or a tenth of its idle time is over."""
    return session.token is None or session.values_changed or (now - session.renewed) * _RENEWALS >= idle


def ensure_fits(cookie: str, value: str) -> None:
    """Check that browsers will keep the cookie (RFC 6265bis, 5.7: name and value have 4096 bytes).

    Raises:
        ValueError: They would drop it without a word.
    """
    size = len(cookie) + len(value)
    if size > _LARGEST_COOKIE:
        raise ValueError(
            f"The session takes {size} bytes as a cookie and browsers keep {_LARGEST_COOKIE}: put ids into "
            "it rather than what they stand for, or keep sessions in Redis."
        )


class Storage(AbstractStorage):
    """The sessions of a store, for aiohttp-session.

    Args:
        clock: Seconds since 1970.
    """

    def __init__(self, settings: SessionSettings, store: SessionStore, clock: Callable[[], float]) -> None:
        super().__init__(cookie_name=settings.cookie_name)
        self._store = store
        self._clock = clock
        self._idle = int(settings.idle.total_seconds())
        self._absolute = int(settings.absolute.total_seconds())
        secure = "; Secure" if settings.is_secure else ""
        self._attributes = f"Path=/; HttpOnly; SameSite={settings.same_site}{secure}"

    async def new_session(self) -> StoredSession:
        return StoredSession(now=int(self._clock()), replaces=True)

    async def load_session(self, request: web.Request) -> StoredSession:
        now = int(self._clock())
        token = self.load_cookie(request)
        record = await self._find(token, now) if token and len(token) <= _LARGEST_COOKIE else None
        return StoredSession(now=now, token=token, record=record)

    def load_cookie(self, request: web.Request) -> str | None:
        """Return the first cookie of exactly the session's name."""
        values = cookie_values(request.headers.getall(hdrs.COOKIE, ()), self.cookie_name)
        return values[0] if values else None

    async def _find(self, token: str, now: int) -> Record | None:
        content = await self._store.load(token)
        record = None if content is None else find_record(content)
        over = record is None or is_over(record, now=now, idle=self._idle, absolute=self._absolute)
        return None if over else record

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        line = await self.settle(request)
        if line is not None:
            response.headers.add(hdrs.SET_COOKIE, line)

    async def settle(self, request: web.Request) -> str | None:
        """Store the request's session, if there is anything to store.

        Returns:
            The ``Set-Cookie`` line, if the client's cookie has to change.

        Raises:
            TypeError: The session holds something that JSON does not have.
            ValueError: The cookie would be too large.
        """
        session = request.get(SESSION_KEY)
        if not isinstance(session, StoredSession) or session.ended:
            return None
        if session.replaces and (sent := self.load_cookie(request)) is not None:
            session.dead.add(sent)
        session.replaces = False
        try:
            return await self._settle(session, int(self._clock()))
        except Exception:
            session.revert()
            raise

    async def _settle(self, session: StoredSession, now: int) -> str | None:
        if session.empty:
            return await self._forget(session, now)
        return await self._write(session, now) if is_due(session, now=now, idle=self._idle) else None

    async def _forget(self, session: StoredSession, now: int) -> str | None:
        session.leave_token()
        if not session.dead:
            return None
        await self._drop(session)
        session.stored(None, now)
        return f"{self.cookie_name}=; Max-Age=0; {self._attributes}"

    async def _write(self, session: StoredSession, now: int) -> str | None:
        content = session.record(now).encode()
        seconds = max(1, min(self._idle, session.started + self._absolute - now))
        if not await self._drop(session) and not session.fresh:
            session.end()
            return None
        token = await self._store.save(session.token, content, seconds, session.owner)
        if token is None:
            session.end()
            return None
        ensure_fits(self.cookie_name, token)
        known = session.token == token
        session.stored(token, now)
        return None if known else f"{self.cookie_name}={token}; {self._attributes}"

    async def _drop(self, session: StoredSession) -> bool:
        """End the session's former tokens; tell whether all of them were alive."""
        return all([await self._store.drop(token) for token in session.dead])
