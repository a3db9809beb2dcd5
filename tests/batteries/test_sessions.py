"""Sessions: what lasts between a browser's requests, how long, and for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp_session import Session, get_session, new_session
from yarl import URL

from framework.batteries import sessions
from framework.batteries.sessions import CookieStore, MemoryStore, SessionSettings
from framework.batteries.sessions.settings import SessionSettings as Settings
from framework.battery import Battery
from framework.context import SESSION_CSRF, SESSION_SCOPES, SESSION_SUBJECT
from framework.errors import ConfigurationError, Conflict
from framework.principal import Principal
from framework.routing import RouteTableDef
from framework.secret import Secret
from framework.testing import Serve
from tests.kernel import kernel_app

KEY, NEWER_KEY = Secret("k" * 40 + "old"), Secret("n" * 40 + "new")
ADA = Principal(subject="ada", scopes=frozenset({"posts:write", "posts:read"}))


@dataclass
class Clock:
    """Tell the time that a test sets."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Browser:
    """Keep cookies, and remember the headers of the last answer."""

    url: URL
    client: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)
    headers: Any = None

    async def get(self, path: str, status: int = 200, **options: Any) -> str:
        async with self.client.get(
            self.url.join(URL(path)), headers=self._headers(), allow_redirects=False, **options
        ) as answer:
            self.headers, self.set_cookies = answer.headers, answer.headers.getall("Set-Cookie", [])
            for name, morsel in answer.cookies.items():
                self.cookies[name] = morsel.value
            assert answer.status == status, await answer.text()
            return await answer.text()

    def _headers(self) -> dict[str, str]:
        pairs = [f"{name}={value}" for name, value in self.cookies.items() if value]
        return {"Cookie": "; ".join(pairs)} if pairs else {}

    @property
    def cookie(self) -> str:
        return next(iter(self.cookies.values()))


routes = RouteTableDef()


@routes.get("/read")
async def read(session: Session) -> dict[str, Any]:
    return dict(session)


@routes.get("/put/{value}")
async def put(session: Session, value: str) -> str:
    session["value"] = value
    return value


@routes.get("/nested")
async def nested(session: Session) -> list[str]:
    items: list[str] = session.setdefault("items", [])
    items.append("one more")
    return items


@routes.get("/file")
async def send_file(session: Session) -> web.FileResponse:
    session["value"] = "file"
    return web.FileResponse(Path(__file__))


@routes.get("/stream")
async def stream(request: web.Request, session: Session) -> web.StreamResponse:
    session["value"] = "stream"
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write_eof(b"stream")
    return response


@routes.get("/late")
async def change_behind_the_head(request: web.Request, session: Session) -> web.StreamResponse:
    response = await stream(request, session)
    session["value"] = "late"
    return response


@routes.get("/ws")
async def socket(request: web.Request, session: Session) -> web.WebSocketResponse:
    session["value"] = "socket"
    response = web.WebSocketResponse()
    await response.prepare(request)
    await response.send_str("hello")
    await response.close()
    return response


@routes.get("/found")
async def found(session: Session) -> None:
    session["value"] = "found"
    raise web.HTTPFound("/read")


@routes.get("/conflict")
async def conflict(session: Session) -> None:
    session["value"] = "conflict"
    raise Conflict("taken")


@routes.get("/crash")
async def crash(session: Session) -> None:
    session["value"] = "crash"
    sessions.sign_out(session)
    raise RuntimeError("a bug")


@routes.get("/sign-in/{subject}")
async def sign_in(session: Session, subject: str) -> None:
    sessions.sign_in(session, Principal(subject=subject, scopes=ADA.scopes))


@routes.get("/sign-out")
async def sign_out(session: Session) -> None:
    sessions.sign_out(session)


@routes.get("/rotate")
async def rotate(session: Session) -> None:
    sessions.rotate(session)


@routes.get("/begin-anew")
async def begin_anew(request: web.Request) -> None:
    (await new_session(request))["value"] = "anew"


@routes.get("/clear")
async def clear(session: Session) -> None:
    session.clear()


@routes.get("/large")
async def large(session: Session) -> None:
    session["value"] = "x" * 4_000


@routes.get("/unstorable")
async def unstorable(session: Session) -> None:
    session["value"] = object()


@routes.get("/without")
async def without() -> str:
    return "no session"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> MemoryStore:
    return MemoryStore(clock=clock)


STORES = ["cookie", "memory"]


@pytest.fixture
def store(request: pytest.FixtureRequest, memory: MemoryStore) -> sessions.SessionStore:
    return CookieStore([KEY]) if getattr(request, "param", "cookie") == "cookie" else memory


Visit = Callable[..., Any]


@pytest.fixture
def visit(serve: Serve, client: aiohttp.ClientSession, clock: Clock) -> Visit:
    """Return a browser on a service whose sessions are as the test says."""

    async def start(store: sessions.SessionStore | None = None, **settings: Any) -> Browser:
        known = {"keys": (KEY,), "secure": False, **settings}
        battery = sessions.battery(SessionSettings(**known), store=store, clock=clock)
        return Browser(await serve(kernel_app(routes, batteries=(battery,))), client)

    return start


@pytest.mark.parametrize("store", STORES, indirect=True)
async def test_what_is_put_in_is_there_in_the_next_request(visit: Visit, store: Any) -> None:
    browser = await visit(store)

    await browser.get("/put/tea")
    values = await browser.get("/read")

    assert values == '{"value":"tea"}'


@pytest.mark.parametrize("path", ["file", "stream", "ws", "found", "conflict"])
@pytest.mark.parametrize("store", STORES, indirect=True)
async def test_every_kind_of_answer_stores_the_session(visit: Visit, store: Any, path: str) -> None:
    browser = await visit(store)

    if path == "ws":
        async with browser.client.ws_connect(browser.url / "ws") as socket:
            browser.cookies["session"] = socket._response.cookies["session"].value
    else:
        await browser.get(f"/{path}", status={"found": 302, "conflict": 409}.get(path, 200))

    assert await browser.get("/read") == f'{{"value":"{path.replace("ws", "socket")}"}}'
