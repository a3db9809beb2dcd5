"""Sessions: what lasts between a browser's requests, how long, and for whom."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp_session import Session, get_session, new_session
from redis.asyncio import Redis
from redis.exceptions import RedisError
from yarl import URL

from framework.app import ServiceSettings, create_app
from framework.batteries import sessions
from framework.batteries.sessions import MemoryStore, SessionSettings
from framework.batteries.sessions.redis import RedisStore
from framework.batteries.sessions.session import Record, StoredSession, find_record
from framework.batteries.sessions.stores import CookieStore, SessionStore
from framework.battery import Battery
from framework.context import SESSION_CSRF
from framework.errors import ConfigurationError, Conflict
from framework.principal import Principal
from framework.routing import RouteTableDef
from framework.secrets import Secret
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

    async def get(self, path: str, status: int | None = None, **options: Any) -> str:
        async with self.client.get(
            self.url.join(URL(path)), headers=self._headers(), allow_redirects=False, **options
        ) as answer:
            self.headers, self.set_cookies = answer.headers, answer.headers.getall("Set-Cookie", [])
            for name, morsel in answer.cookies.items():
                self.cookies[name] = morsel.value
            assert answer.status in ({200, 204} if status is None else {status}), await answer.text()
            return await answer.text()

    def _headers(self) -> dict[str, str]:
        pairs = [f"{name}={value}" for name, value in self.cookies.items() if value]
        return {"Cookie": "; ".join(pairs)} if pairs else {}

    @property
    def cookie(self) -> str:
        return next(iter(self.cookies.values()))


class Gate:
    """Hold a handler until a test opens it."""

    def close(self) -> None:
        self.reached, self.opened = asyncio.Event(), asyncio.Event()


GATE = Gate()
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


@routes.get("/sign-out-and-flash")
async def sign_out_and_flash(session: Session) -> None:
    sessions.sign_out(session)
    session["value"] = "goodbye"


@routes.get("/everywhere/{subject}")
async def sign_out_everywhere(request: web.Request, subject: str) -> int:
    return await sessions.sign_out_everywhere(request.app, subject)


@routes.get("/slow")
async def slow(session: Session) -> None:
    """Hold a session while others end it."""
    session["value"] = "slow"
    GATE.reached.set()
    await GATE.opened.wait()


@routes.get("/rotate-slowly")
async def rotate_slowly(session: Session) -> None:
    sessions.rotate(session)
    await slow(session)


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


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "framework.sessions"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory(clock: Clock) -> MemoryStore:
    return MemoryStore(clock=clock)


REDIS = pytest.param("redis", marks=pytest.mark.process)
STORES = ["cookie", "memory", REDIS]
SERVERS = ["memory", REDIS]


@pytest.fixture
def store(request: pytest.FixtureRequest, memory: MemoryStore) -> SessionStore:
    """Return the kind of store that the test is about."""
    if request.param == "redis":
        url: str = request.getfixturevalue("redis_url")
        return RedisStore.from_url(Secret(url))
    return CookieStore([KEY]) if request.param == "cookie" else memory


Visit = Callable[..., Any]


@pytest.fixture
def visit(serve: Serve, client: aiohttp.ClientSession, clock: Clock) -> Visit:
    """Return a browser on a service whose sessions are as the test says."""

    async def start(store: SessionStore | None = None, **settings: Any) -> Browser:
        known = {"keys": (KEY,), "secure": False, **settings}
        battery = sessions.battery(SessionSettings(**known), store=store, clock=clock)
        return Browser(await serve(kernel_app(routes, batteries=(battery,))), client)

    return start


@pytest.mark.parametrize("store", STORES, indirect=True)
async def test_what_is_put_in_is_there_in_the_next_request(visit: Visit, store: SessionStore) -> None:
    browser = await visit(store)

    await browser.get("/put/tea")
    values = await browser.get("/read")

    assert values == '{"value":"tea"}'


@pytest.mark.parametrize("path", ["file", "stream", "ws", "found", "conflict"])
@pytest.mark.parametrize("store", STORES, indirect=True)
async def test_every_kind_of_answer_stores_the_session(visit: Visit, store: SessionStore, path: str) -> None:
    browser = await visit(store)

    if path == "ws":
        async with browser.client.ws_connect(browser.url / "ws") as socket:
            browser.cookies["session"] = socket._response.cookies["session"].value
    else:
        await browser.get(f"/{path}", status={"found": 302, "conflict": 409}.get(path))

    assert await browser.get("/read") == f'{{"value":"{path.replace("ws", "socket")}"}}'


async def test_a_change_deep_inside_is_noticed(visit: Visit) -> None:
    browser = await visit()

    for _ in range(3):
        await browser.get("/nested")

    assert await browser.get("/read") == '{"items":["one more","one more","one more"]}'


async def test_nothing_is_written_when_nothing_changed(visit: Visit) -> None:
    browser = await visit()

    await browser.get("/read")
    assert browser.set_cookies == []
    await browser.get("/put/tea")
    assert len(browser.set_cookies) == 1
    await browser.get("/put/tea")
    assert browser.set_cookies == []
    await browser.get("/read")
    assert browser.set_cookies == []


async def test_a_fault_of_ours_leaves_the_session_as_it_was(visit: Visit, memory: MemoryStore) -> None:
    browser = await visit(memory)
    await browser.get("/put/before")

    await browser.get("/crash", status=500)

    assert browser.set_cookies == []
    assert await browser.get("/read") == '{"value":"before"}'


@pytest.mark.parametrize(
    ("secure", "name", "attributes"),
    [
        (True, "__Host-session", {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"}),
        (False, "session", {"Path=/", "HttpOnly", "SameSite=Lax"}),
    ],
    ids=["production", "development"],
)
async def test_the_cookie_is_out_of_reach(
    visit: Visit, secure: bool, name: str, attributes: set[str]
) -> None:
    browser = await visit(secure=secure)

    await browser.get("/put/tea")

    pair, *rest = browser.set_cookies[0].split("; ")
    assert pair.split("=")[0] == name
    assert set(rest) == attributes


async def test_the_cookie_tells_nobody_what_is_in_it(visit: Visit) -> None:
    browser = await visit()

    await browser.get("/put/confidential")

    assert b"confidential" not in urlsafe_b64decode(browser.cookie)


async def test_a_session_is_forgotten_when_it_is_not_used(visit: Visit, clock: Clock) -> None:
    browser = await visit(idle=timedelta(minutes=30))
    await browser.get("/put/tea")

    clock.now += 30 * 60 + 1

    assert await browser.get("/read") == "{}"


@pytest.mark.parametrize("store", STORES, indirect=True)
async def test_using_a_session_keeps_it_but_not_for_ever(
    visit: Visit, store: SessionStore, clock: Clock
) -> None:
    browser = await visit(store, idle=timedelta(minutes=30), absolute=timedelta(hours=12))
    await browser.get("/sign-in/ada")

    uses = []
    for _ in range(50):
        uses.append(await browser.get("/read") != "{}")
        await browser.get("/rotate")
        clock.now += 20 * 60

    assert uses == [True] * 36 + [False] * 14


async def test_reading_alone_keeps_a_session_with_few_cookies(visit: Visit, clock: Clock) -> None:
    browser = await visit(idle=timedelta(minutes=30))
    await browser.get("/put/tea")
    written = 0

    for _ in range(60):
        clock.now += 60
        assert await browser.get("/read") == '{"value":"tea"}'
        written += len(browser.set_cookies)

    assert written == 60 / 3


@pytest.mark.parametrize("path", ["/sign-in/ada", "/rotate", "/begin-anew"])
@pytest.mark.parametrize("store", SERVERS, indirect=True)
async def test_a_new_id_is_given_and_the_old_one_is_dead_at_once(
    visit: Visit, store: SessionStore, path: str
) -> None:
    browser = await visit(store)
    await browser.get("/put/tea")
    old = browser.cookie

    await browser.get(path)

    assert browser.cookie != old
    assert await browser.get("/read") != "{}"
    browser.cookies["session"] = old
    assert await browser.get("/read") == "{}"
    assert await store.load(old) is None


async def test_signing_in_keeps_what_a_visitor_has_put_in_and_rotating_keeps_it_all(visit: Visit) -> None:
    browser = await visit()
    await browser.get("/put/tea")

    await browser.get("/sign-in/ada")
    await browser.get("/rotate")

    assert json.loads(await browser.get("/read")) == {
        "value": "tea",
        "sub": "ada",
        "scope": "posts:read posts:write",
        "gen": 0,
    }


async def test_signing_in_as_another_forgets_what_the_first_one_put_in(visit: Visit) -> None:
    browser = await visit()
    await browser.get("/sign-in/ada")
    await browser.get("/put/ada-s")

    await browser.get("/sign-in/grace")

    assert json.loads(await browser.get("/read")) == {
        "sub": "grace",
        "scope": "posts:read posts:write",
        "gen": 0,
    }


@pytest.mark.parametrize("change", [lambda session: sessions.sign_in(session, ADA), sessions.rotate])
def test_a_change_of_privileges_ends_the_tokens_of_forms(change: Callable[[Session], None]) -> None:
    session = StoredSession(now=0, token="old", record=Record(0, 0, {SESSION_CSRF: "secret"}))

    change(session)

    assert SESSION_CSRF not in session


async def test_signing_in_begins_a_new_lifetime(visit: Visit, clock: Clock) -> None:
    browser = await visit(idle=timedelta(hours=12), absolute=timedelta(hours=12))
    await browser.get("/put/tea")
    clock.now += 11 * 3600

    await browser.get("/sign-in/ada")
    clock.now += 11 * 3600

    assert "ada" in await browser.get("/read")


@pytest.mark.parametrize("path", ["/sign-out", "/clear"])
@pytest.mark.parametrize("store", SERVERS, indirect=True)
async def test_signing_out_forgets_the_session_in_store_and_browser(
    visit: Visit, store: SessionStore, path: str
) -> None:
    browser = await visit(store)
    await browser.get("/sign-in/ada")
    old = browser.cookie

    await browser.get(path)

    assert browser.set_cookies == ["session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"]
    assert await store.load(old) is None
    browser.cookies["session"] = old
    assert await browser.get("/read") == "{}"


async def test_what_is_put_in_after_signing_out_belongs_to_a_new_session(
    visit: Visit, memory: MemoryStore
) -> None:
    browser = await visit(memory)
    await browser.get("/sign-in/ada")
    old = browser.cookie

    await browser.get("/sign-out-and-flash")

    assert browser.cookie != old
    assert await browser.get("/read") == '{"value":"goodbye"}'


GARBAGE = ["x", "%7f", "%00", "gAAAAA", "A" * 5_000, "ÿ", "ключ", '"', "a b", "{}", "../../etc/passwd"]


@pytest.mark.parametrize("store", STORES, indirect=True)
@pytest.mark.parametrize("cookie", GARBAGE, ids=lambda cookie: repr(cookie[:12]))
async def test_a_cookie_of_garbage_is_an_empty_session(
    visit: Visit, store: SessionStore, cookie: str
) -> None:
    browser = await visit(store)
    browser.cookies["session"] = cookie

    assert await browser.get("/read") == "{}"
    assert browser.set_cookies == []


async def test_an_id_that_the_client_made_up_is_not_adopted(visit: Visit, memory: MemoryStore) -> None:
    browser = await visit(memory)
    browser.cookies["session"] = made_up = "A" * 43

    await browser.get("/put/tea")

    assert browser.cookie != made_up
    assert len(browser.cookie) == 43
    assert await memory.load(made_up) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"null", b"{}", b"[1,2]", b'[1,2,"x"]', b'["1",2,{}]', b"[true,2,{}]", b"\xff"],
    ids=lambda content: repr(content[:10]),
)
def test_what_is_no_record_is_none(content: bytes) -> None:
    assert find_record(content) is None


async def test_a_new_key_encrypts_and_an_old_one_still_opens(visit: Visit) -> None:
    before = await visit(keys=(KEY,))
    await before.get("/put/tea")

    during, after = await visit(keys=(NEWER_KEY, KEY)), await visit(keys=(NEWER_KEY,))
    during.cookies = dict(before.cookies)
    assert await during.get("/read") == '{"value":"tea"}'
    await during.get("/put/coffee")

    after.cookies = dict(during.cookies)
    assert await after.get("/read") == '{"value":"coffee"}'
    after.cookies = dict(before.cookies)
    assert await after.get("/read") == "{}"


async def test_a_session_that_no_browser_would_keep_is_a_fault_that_says_what_to_do(
    visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await visit()

    await browser.get("/large", status=500)

    assert browser.set_cookies == []
    assert "browsers keep 4096" in caplog.text
    assert told(caplog) == []


async def test_a_store_takes_a_large_session(visit: Visit, memory: MemoryStore) -> None:
    browser = await visit(memory)

    await browser.get("/large", status=204)

    assert len(await browser.get("/read")) > 4_000


async def test_what_json_does_not_have_is_a_fault_that_says_so(
    visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await visit()

    await browser.get("/unstorable", status=500)

    assert "A session holds what JSON has" in caplog.text


async def test_a_change_behind_a_started_answer_is_kept_where_the_cookie_stays_the_same(
    visit: Visit, memory: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await visit(memory)

    await browser.get("/late")

    assert await browser.get("/read") == '{"value":"late"}'
    assert told(caplog) == []


async def test_a_change_behind_a_started_answer_that_cannot_be_kept_is_logged(
    visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await visit()

    await browser.get("/late")

    assert await browser.get("/read") == '{"value":"stream"}'
    assert told(caplog) == ["session_change_lost"]


async def test_caches_keep_answers_apart_by_cookie_and_those_of_a_session_not_at_all(visit: Visit) -> None:
    browser = await visit()

    await browser.get("/without")
    assert "Vary" not in browser.headers
    await browser.get("/read")
    assert browser.headers["Vary"] == "Cookie"
    assert "Cache-Control" not in browser.headers
    for path in ("/put/tea", "/read"):
        await browser.get(path)
        assert (browser.headers["Vary"], browser.headers["Cache-Control"]) == ("Cookie", "no-store")


@pytest.mark.parametrize("path", ["/slow", "/rotate-slowly"])
@pytest.mark.parametrize("store", SERVERS, indirect=True)
async def test_a_session_that_is_ended_meanwhile_does_not_rise_again(
    visit: Visit, store: SessionStore, path: str
) -> None:
    GATE.close()
    browser = await visit(store)
    await browser.get("/sign-in/ada")
    other = Browser(browser.url, browser.client, dict(browser.cookies))

    slow = asyncio.create_task(other.get(path, status=204))
    await GATE.reached.wait()
    await browser.get("/sign-out", status=204)
    GATE.opened.set()
    await slow

    assert await store.load(other.cookie) is None
    assert other.set_cookies == []


@pytest.mark.parametrize("store", SERVERS, indirect=True)
async def test_all_sessions_of_a_person_can_be_ended_and_nobody_else_s(
    visit: Visit, store: SessionStore
) -> None:
    phone = await visit(store)
    laptop, stranger = Browser(phone.url, phone.client), Browser(phone.url, phone.client)
    for browser, name in ((phone, "ada"), (laptop, "ada"), (stranger, "grace")):
        await browser.get(f"/sign-in/{name}")

    ended = await phone.get("/everywhere/ada")

    assert ended == "2"
    assert [await browser.get("/read") for browser in (phone, laptop)] == ["{}", "{}"]
    assert "grace" in await stranger.get("/read")


async def test_cookies_cannot_be_called_back_and_say_so(
    visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    browser = await visit()

    await browser.get("/everywhere/ada", status=500)

    assert "keep sessions in Redis" in caplog.text


async def test_sessions_that_are_over_do_not_stay_in_memory(clock: Clock, memory: MemoryStore) -> None:
    for _ in range(100):
        await memory.save(None, b"", 60, "")
        clock.now += 30

    assert len(memory._kept) < 5


def test_the_session_shows_no_values_in_logs() -> None:
    session = StoredSession(now=0, token="token", record=Record(0, 0, {"card": "4111"}))

    assert repr(session) == "<Session keys=['card'] started=0>"


def test_a_session_of_another_kind_cannot_be_signed_in_to() -> None:
    with pytest.raises(TypeError, match=r"sessions\.battery"):
        sessions.sign_in(Session(None, data=None, new=True), ADA)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"cookie": "a b"}, "cookie"),
        ({"cookie": ""}, "cookie"),
        ({"cookie": "séance"}, "cookie"),
        ({"idle": timedelta(0)}, "idle"),
        ({"idle": timedelta(hours=2), "absolute": timedelta(hours=1)}, "absolute"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word):
        SessionSettings(**settings)


def test_sessions_in_cookies_need_a_key() -> None:
    with pytest.raises(ConfigurationError, match="SESSIONS_KEYS"):
        create_app(ServiceSettings(), routes=[], batteries=[sessions.battery(SessionSettings())])
    with pytest.raises(ConfigurationError, match="SESSIONS_KEYS"):
        CookieStore([])


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as redis:
        yield redis


async def test_redis_is_chosen_by_the_settings_and_forgets_sessions_by_itself(
    visit: Visit, redis_url: str, redis: Redis
) -> None:
    browser = await visit(redis_url=Secret(redis_url), keys=(), idle=timedelta(seconds=90))

    await browser.get("/sign-in/ada")

    keys = sorted((key for key in await redis.keys() if isinstance(key, bytes)), key=len)
    assert len(browser.cookie) == 43
    assert browser.cookie.encode() not in b"".join(keys)
    assert 85 <= await redis.ttl(keys[0]) <= 90
    assert await redis.zrange(keys[1], 0, -1) == [keys[0]]


async def test_redis_keeps_nothing_beyond_the_absolute_lifetime(
    visit: Visit, redis_url: str, redis: Redis, clock: Clock
) -> None:
    ages = {"idle": timedelta(seconds=90), "absolute": timedelta(seconds=120)}
    browser = await visit(redis_url=Secret(redis_url), **ages)
    await browser.get("/put/tea")

    clock.now += 60
    await browser.get("/put/coffee")

    assert [await redis.ttl(key) <= 60 for key in await redis.keys()] == [True]


async def test_garbage_in_redis_is_an_empty_session(visit: Visit, redis_url: str, redis: Redis) -> None:
    browser = await visit(redis_url=Secret(redis_url))
    await browser.get("/put/tea")

    for key in await redis.keys():
        await redis.set(key, b"\x80garbage")

    assert await browser.get("/read") == "{}"
    await browser.get("/put/coffee")
    assert await browser.get("/read") == '{"value":"coffee"}'


async def test_while_redis_is_away_who_has_a_session_is_asked_to_come_again(visit: Visit) -> None:
    browser = await visit(redis_url=Secret("redis://127.0.0.1:1/0"))
    browser.cookies["session"] = "A" * 43

    await browser.get("/read", status=503)
    assert browser.headers["Retry-After"] == "5"
    await browser.get("/without")


async def test_a_service_without_its_redis_is_not_ready(redis_url: str) -> None:
    for url, fault in ((redis_url, None), ("redis://127.0.0.1:1/0", RedisError)):
        store = RedisStore.from_url(Secret(url))
        with nullcontext() if fault is None else pytest.raises(fault):
            await store.check()
        await store.close()


def test_a_url_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError, match="SESSIONS_REDIS_URL") as refusal:
        sessions.battery(SessionSettings(redis_url=Secret("http://user:hunter2@localhost")))

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("value", ["flash", object()], ids=["storable", "unstorable"])
async def test_what_changes_behind_the_handler_is_stored_and_a_fault_there_still_lets_the_answer_through(
    serve: Serve, client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, value: object
) -> None:
    async def change(request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        if request.path == "/put/tea":
            (await get_session(request))["value"] = value
        return response

    stack = (
        Battery(name="behind", middleware=change),
        sessions.battery(SessionSettings(keys=(KEY,), secure=False)),
    )
    browser = Browser(await serve(kernel_app(routes, batteries=stack)), client)

    await browser.get("/put/tea")

    if value == "flash":
        assert await browser.get("/read") == '{"value":"flash"}'
    else:
        assert told(caplog) == ["session_not_stored"]
        assert await browser.get("/read") == '{"value":"tea"}'


async def test_a_handler_with_a_session_in_a_service_without_any_is_refused() -> None:
    runner = web.AppRunner(kernel_app(routes))

    with pytest.raises(ConfigurationError, match=r"read\): parameter 'session' needs the battery 'sessions'"):
        await runner.setup()


async def test_what_is_kept_on_a_clone_of_the_request_is_saved(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    table = RouteTableDef()

    @table.get("/count")
    async def count(request: web.Request, session: Session) -> list[object]:
        session["count"] = session.get("count", 0) + 1
        return [session["count"], request.headers["X-Added"]]

    async def cloning(request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(
            request.clone(headers={**request.headers, "X-Added": "yes"})
        )
        return answer

    settings = SessionSettings(keys=(KEY,), secure=False)
    both = [
        (sessions.battery(settings), Battery(name="cloning", middleware=cloning)),
        (Battery(name="cloning", middleware=cloning), sessions.battery(settings)),
    ]
    found = []
    for batteries in both:
        browser = Browser(await serve(kernel_app(table, batteries=batteries)), client)
        found += [json.loads(await browser.get("/count")) for _ in range(2)]

    assert found == [[1, "yes"], [2, "yes"]] * 2
