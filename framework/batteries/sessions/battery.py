"""Sessions for every kind of response: what a handler changed is stored before the response starts."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import hdrs, web
from aiohttp_session import SESSION_KEY, STORAGE_KEY, Session, get_session

from framework.adapters.aiohttp.requests import state_of
from framework.batteries.sessions.settings import SessionSettings
from framework.batteries.sessions.storage import Storage
from framework.batteries.sessions.stores import CookieStore, SessionStore
from framework.battery import Battery, Handler, Preparation
from framework.endpoint import Endpoint, Provide
from framework.errors import ServiceError
from framework.responses import add_vary
from framework.secrets import generated_key

_log = logging.getLogger("framework.sessions")

_COOKIE: web.RequestKey[str] = web.RequestKey("session_cookie", str)
_STORE: web.AppKey[SessionStore] = web.AppKey("session_store")
_ANSWERED: web.RequestKey[bool] = web.RequestKey("session_answered", bool)


def keeps_changes(error: Exception) -> bool:
    """Tell whether a session is stored though its handler raised.

    An answer that is raised on purpose, such as a redirect, keeps what was put in before; a fault of ours
    leaves the session as it was, like the database.
    """
    status = error.status if isinstance(error, ServiceError | web.HTTPException) else 500
    return status < 500


def battery(
    settings: SessionSettings, *, store: SessionStore | None = None, clock: Callable[[], float] = time.time
) -> Battery:
    """Bring sessions; a handler takes one as its parameter ``session``.

    Args:
        store: Where they are kept; as the settings say if None.
        clock: Seconds since 1970.

    Raises:
        ConfigurationError: They are to be in Redis, and its client is not there.
    """
    given = store is not None
    store = _store(settings) if store is None else store
    keys = {"SESSIONS_KEYS": settings.keys} if isinstance(store, CookieStore) and not given else {}
    storage = Storage(settings, store, clock)

    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        kept = state_of(request)
        kept[STORAGE_KEY] = storage
        try:
            response = await handler(request)
        except Exception as error:
            await _after_error(storage, request, error)
            raise
        else:
            # PERF: most requests have asked for no session.
            if SESSION_KEY in kept:
                await _after_answer(storage, request, response)
            return response
        finally:
            kept[_ANSWERED] = True

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        app[_STORE] = store
        _prepare(store, endpoints)

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        yield
        await store.close()

    async def check(app: web.Application) -> None:
        await store.check()

    after = frozenset({"logs", "problems", "security", "cors"})
    return Battery(
        name="sessions",
        after=after,
        provides={Session: Provide(get_session, names=("session",))},
        middleware=middleware,
        preparation=Preparation(SESSION_KEY, _preparer(storage)),
        setup=setup,
        lifespan=lifespan,
        check=check,
        keys=keys,
    )


def _store(settings: SessionSettings) -> SessionStore:
    if settings.redis_url is not None:
        # Only a service that keeps sessions in Redis needs its client, or pays for importing it.
        redis = importlib.import_module("framework.batteries.sessions.redis")
        store: SessionStore = redis.RedisStore.from_url(settings.redis_url)
        return store
    # Without keys the service does not start; it is told with whatever else is missing.
    return CookieStore(settings.keys or (generated_key(),))


def _prepare(store: SessionStore, endpoints: Sequence[Endpoint]) -> None:
    if isinstance(store, CookieStore) and any(each.takes(Session) for each in endpoints):
        store.prepare()


async def sign_out_everywhere(app: web.Application, subject: str) -> int:
    """End all sessions of a person, as after a change of password; say how many there were.

    Raises:
        RuntimeError: Sessions are in cookies, which cannot be called back; count generations (`Principal.generation`).
    """
    return await app[_STORE].end_all(subject)


async def _after_answer(storage: Storage, request: web.Request, response: web.StreamResponse) -> None:
    cookie = await storage.settle(request)
    if cookie is None:
        return
    if response.prepared:
        _log.error("session_change_lost", extra={"path": request.path, "why": "the response had started"})
    else:
        request[_COOKIE] = cookie


async def _after_error(storage: Storage, request: web.Request, error: Exception) -> None:
    session = request.get(SESSION_KEY)
    if session is None:
        return
    if not keeps_changes(error):
        session.revert()
    elif (cookie := await storage.settle(request)) is not None:
        request[_COOKIE] = cookie


def _preparer(storage: Storage) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return the signal handler that adds the cookie to a response's head.

    aiohttp has copied a response's cookies to its headers by then, so the header itself is set. For a
    response that a handler starts on its own, such as a stream or a WebSocket, this is also the moment to
    store.
    """

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        session = state_of(request).get(SESSION_KEY)
        if session is None:
            return
        cookie = await _late(storage, request) if _ANSWERED in request else await storage.settle(request)
        cookie = cookie or request.get(_COOKIE)
        _set_headers(response, session, cookie)

    return prepare


async def _late(storage: Storage, request: web.Request) -> str | None:
    """Store what has changed behind the handler, as when an error page shows a flash."""
    try:
        return await storage.settle(request)
    except Exception:  # noqa: BLE001 - it would make aiohttp drop the connection without any answer
        _log.exception("session_not_stored")
        return None


def _set_headers(response: web.StreamResponse, session: Session, cookie: str | None) -> None:
    add_vary(response.headers, hdrs.COOKIE)
    if cookie is not None:
        response.headers.add(hdrs.SET_COOKIE, cookie)
        response.headers[hdrs.CACHE_CONTROL] = "no-store"
    elif not session.empty:
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
