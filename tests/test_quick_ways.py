"""What is quick about a request gives, byte for byte, what the long way gives."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import pytest
from aiohttp import web
from aiohttp_session import Session
from marshmallow.validate import Length

from framework.app import ServiceSettings, create_app, standard
from framework.batteries import auth, logs
from framework.batteries.auth import AuthSettings, MemoryRevocations, Tokens
from framework.batteries.logs import LogsSettings
from framework.battery import Battery, Handler, replaced
from framework.marks import public, requires
from framework.principal import Principal
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.server import ServerSettings, serve
from framework.settings import load
from tests.server.raw import peer, request

KEY = "correct-horse-battery-staple-0123456789"
AUTH = AuthSettings(keys=(Secret(KEY),), leeway=timedelta(0))

Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


@dataclass
class Note:
    text: Annotated[str, Length(max=20)]


def api() -> RouteTableDef:
    routes = RouteTableDef()

    @routes.post("/notes", status=201, max_body=100)
    @public
    async def add(body: Note) -> Note:
        return body

    @routes.get("/mine")
    @requires("notes:read")
    async def show(principal: Principal) -> dict[str, str]:
        return {"subject": principal.subject}

    @routes.get("/visits")
    @public
    async def visit(session: Session) -> dict[str, int]:
        session["visits"] = 1
        return {"visits": 1}

    @routes.get("/notes/{name}")
    @public
    async def find(name: str, size: int = 1) -> dict[str, str | int]:
        return {"name": name, "size": size}

    return routes


class Elsewhere(MemoryRevocations):
    """Revoked tokens that have to be asked for, as those in Redis."""


def app_with(*further: Battery, revocations: MemoryRevocations | None = None) -> web.Application:
    values = {"AUTH_KEYS": KEY, "SESSIONS_KEYS": KEY[::-1], "PROFILE": "development"}
    settings = load(ServiceSettings, values, env_file=None)
    tokens = auth.battery(AUTH, profile=Profile.development, revocations=revocations)
    return create_app(settings, routes=api(), batteries=[*replaced(standard(settings), tokens), *further])


def slow(app: web.Application) -> web.Application:
    """Return an application with a receiver of somebody's, for which aiohttp's own way has to be gone."""

    async def receive(*_: Any) -> None:
        """Do nothing."""

    app.on_response_prepare.append(receive)
    return app


async def received(app: web.Application, *requests: tuple[bytes, ...]) -> list[tuple[list[bytes], bytes]]:
    """Return the responses to these requests, each sent in these pieces; without what differs each time."""
    found = []
    async with serve(app, ServerSettings(port=0, drain_seconds=0)) as running:
        for pieces in requests:
            async with peer(running.port) as client:
                await client.send(*pieces, pause_seconds=0.02)
                found.append(steady(await client.until_closed()))
    return found


def steady(response: bytes) -> tuple[list[bytes], bytes]:
    """Return the head of a response, in the order of names and without date, id and cookie; and its body."""
    head, _, body = response.partition(b"\r\n\r\n")
    head = re.sub(rb"(?<=\r\nDate: )[^\r]*|(?<=\r\nX-Request-ID: )[^\r]*", b"", head)
    head = re.sub(rb"(?<=session=)[^;]*", b"", head)
    body = re.sub(rb'(?<="request_id":")[0-9a-f]{32}', b"", body)
    return sorted(head.split(b"\r\n")), body


def note(body: bytes, media_type: str = "application/json") -> bytes:
    headers = (f"Content-Type: {media_type}", f"Content-Length: {len(body)}", "Connection: close")
    return request("POST /notes HTTP/1.1", *headers, body=body)


BODIES = {
    "good": note(b'{"text":"tea"}'),
    "another media type with JSON": note(b'{"text":"tea"}', "application/note+json; charset=utf-8"),
    "no JSON": note(b"{"),
    "nothing": note(b""),
    "not valid": note(b'{"text":"' + b"a" * 21 + b'"}'),
    "just within the limit": note(b'{"text":"a"}' + b" " * 88),
    "beyond the limit": note(b'{"text":"a"}' + b" " * 89),
    "no declared JSON": note(b'{"text":"tea"}', "text/plain"),
}


@pytest.mark.parametrize("whole", BODIES.values(), ids=BODIES.keys())
async def test_a_body_in_one_piece_is_answered_like_one_in_several(whole: bytes) -> None:
    head, _, body = whole.partition(b"\r\n\r\n")
    pieces = (head + b"\r\n\r\n" + body[:1], body[1:2], body[2:])

    at_once, waited_for = await received(app_with(), (whole,), pieces)

    assert at_once == waited_for
    assert at_once[1]


def authorized(*values: str) -> bytes:
    headers = [f"Authorization: {value}" for value in values]
    return request("GET /mine HTTP/1.1", *headers, "Connection: close")


@pytest.mark.parametrize(
    "headers",
    [
        ["Bearer {good}"],
        ["bearer {good}"],
        ["Bearer  {good}"],
        ["Bearer {good}", "Bearer {good}"],
        ["Bearer {revoked}"],
        ["Bearer {without}"],
        ["Basic {good}"],
        ["Bearer {good}x"],
    ],
    ids=["good", "lower case", "two spaces", "twice", "revoked", "without the scope", "scheme", "another"],
)
async def test_a_recalled_token_counts_for_what_one_does_that_is_looked_at_anew(headers: list[str]) -> None:
    tokens = Tokens(AUTH)
    texts = {
        "good": tokens.issue("ada", ["notes:read"]).access_token,
        "revoked": tokens.issue("eve", ["notes:read"]).access_token,
        "without": tokens.issue("bob", ["notes:write"]).access_token,
    }
    sent = authorized(*[header.format(**texts) for header in headers])
    found = []
    for revocations in (MemoryRevocations(), Elsewhere()):
        app = app_with(revocations=revocations)
        seen = await tokens.verify(texts["revoked"])
        warm = [(authorized(f"Bearer {text}"),) for text in texts.values()]
        async with serve(app, ServerSettings(port=0, drain_seconds=0)) as running:
            for pieces in warm:
                async with peer(running.port) as client:
                    await client.send(*pieces)
                    await client.until_closed()
            await revocations.revoke(seen.claims["jti"], seen.claims["exp"])
            async with peer(running.port) as client:
                await client.send(sent)
                found.append(steady(await client.until_closed()))

    recalled, looked_at = found
    assert recalled == looked_at


async def test_a_recalled_token_that_has_expired_since_is_refused() -> None:
    now = [1_000_000.0]
    tokens = Tokens(AUTH, clock=lambda: now[0])
    recall = tokens.recaller("Bearer ")
    text = tokens.issue("ada").access_token
    principal = await tokens.verify(text)
    headers = {"Authorization": f"Bearer {text}"}
    assert recall is not None

    before = recall(web.Response(headers=headers).headers)
    now[0] = float(principal.claims["exp"])
    behind = recall(web.Response(headers=headers).headers)

    assert before is principal
    assert behind is None
    with pytest.raises(auth.InvalidToken, match="expired"):
        await tokens.verify(text)


async def tagging(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    response.headers["X-Tag"] = "seen"
    return response


async def by_default(request: web.Request, handler: Handler, tag: str = "seen") -> web.StreamResponse:
    response = await handler(request)
    response.headers["X-Tag"] = tag
    return response


async def by_keyword(request: web.Request, handler: Handler, *, tag: str = "seen") -> web.StreamResponse:
    return await by_default(request, handler, tag)


async def by_anything(*arguments: Any) -> web.StreamResponse:
    return await tagging(*arguments)


class Tagger:
    """A middleware that is an object, or a method of one."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await tagging(request, handler)

    async def method(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await tagging(request, handler)


MIDDLEWARES: dict[str, Middleware] = {
    "function with a default": by_default,
    "function with a keyword": by_keyword,
    "function of anything": by_anything,
    "object": Tagger(),
    "method": Tagger().method,
    "partial": functools.partial(by_default, tag="seen"),
    "wrapped": functools.wraps(tagging)(by_anything),
}


@pytest.mark.parametrize("middleware", MIDDLEWARES.values(), ids=MIDDLEWARES.keys())
async def test_a_middleware_of_any_kind_does_what_a_plain_function_does(middleware: Middleware) -> None:
    sent = [(request(f"GET {path} HTTP/1.1", "Connection: close"),) for path in ("/notes/a", "/nowhere")]
    outer, inner = Battery(name="outer", middleware=middleware), Battery(name="inner", middleware=middleware)

    plain = await received(app_with(Battery(name="outer", middleware=tagging)), *sent)
    other = await received(app_with(outer, inner), *sent)

    assert other == plain
    assert b"X-Tag: seen" in plain[0][0]


async def test_the_variables_of_a_path_are_those_that_a_middleware_leaves() -> None:
    async def renaming(request: web.Request, handler: Handler) -> web.StreamResponse:
        request.match_info["name"] = request.match_info["name"].lower()
        return await handler(request)

    sent = (request("GET /notes/A?size=3 HTTP/1.1", "Connection: close"),)

    [untouched] = await received(app_with(), sent)
    [renamed] = await received(app_with(Battery(name="renaming", middleware=renaming)), sent)

    assert untouched[1] == b'{"name":"A","size":3}'
    assert renamed == (untouched[0], b'{"name":"a","size":3}')


@pytest.mark.parametrize("path", ["/visits", "/notes/a", "/notes/a?size=x", "/nowhere", "/mine"])
async def test_a_response_that_waits_for_its_session_is_aiohttp_s_own(path: str) -> None:
    sent = (request(f"GET {path} HTTP/1.1", "Connection: close"),)

    quick = await received(app_with(), sent, sent)
    long = await received(slow(app_with()), sent, sent)

    assert quick == long


async def touching(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ask for a response's headers: its line is a record, then."""
    response = await handler(request)
    assert response.headers
    return response


TARGETS = [
    *("/notes/a", "/notes/a?size=2", "/notes/a%22b", '/notes/a"b', "/notes/a'b", "/notes/a%41"),
    "/notes/" + "a" * 600,
]


@pytest.mark.parametrize("target", TARGETS, ids=[target[:20] for target in TARGETS])
async def test_an_access_line_of_pieces_says_what_a_record_says(target: str) -> None:
    lines: list[list[dict[str, Any]]] = []
    for further in ((), (Battery(name="touching", middleware=touching),)):
        written: list[bytes] = []
        told = logs.battery(LogsSettings(format="json"), write=written.append)
        app = create_app(ServiceSettings(), routes=api_of_notes(), batteries=[told, *further])
        await received(app, (request(f"GET {target} HTTP/1.1", "X-Request-ID: one", "Connection: close"),))
        lines.append([json.loads(line) for line in b"".join(written).splitlines()])

    changing = {"timestamp": "", "duration_ms": 0}
    pieces, record = ([{**line, **changing} for line in each if line["event"] == "request"] for each in lines)

    assert [[*line.items()] for line in pieces] == [[*line.items()] for line in record]
    assert [line["route"] for line in pieces] == ["/notes/{name}"]


def api_of_notes() -> RouteTableDef:
    routes = RouteTableDef()

    @routes.get("/notes/{name}")
    async def find(name: str, size: int = 1) -> dict[str, str | int]:
        return {"name": name, "size": size}

    return routes
