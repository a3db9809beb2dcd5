"""What other sites may not make a browser send: methods, origins, content types and cookies against one another."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp_session import Session
from yarl import URL

from framework.app import ServiceSettings, create_app
from framework.batteries import csrf, problems, sessions
from framework.batteries.csrf import CsrfSettings, is_token, make_token
from framework.batteries.sessions import SessionSettings
from framework.context import CSRF_TOKEN, SESSION_CSRF
from framework.errors import ConfigurationError
from framework.forms import FormLimits, UploadedFile
from framework.routing import RouteTableDef
from framework.secrets import Secret
from framework.testing import Serve

OTHER, TRUSTED = "https://evil.example", "https://friend.example"
URLENCODED, MULTIPART, JSON = "application/x-www-form-urlencoded", "multipart/form-data", "application/json"


@dataclass
class Counter:
    """Count how often a handler was reached: the state that nobody else may change."""

    reached: int = 0


def table(counter: Counter) -> RouteTableDef:
    routes = RouteTableDef()

    @routes.get("/token")
    async def token(request: web.Request, session: Session) -> str:
        return request.app[CSRF_TOKEN](session)

    @routes.get("/forget")
    async def forget(session: Session) -> None:
        session.invalidate()

    @routes.route("*", "/change")
    async def change(request: web.Request) -> str:
        counter.reached += 1
        return str((await request.post()).get("name")) if request.content_type == URLENCODED else ""

    @routes.post("/form")
    async def take_form(form: Draft) -> Draft:
        counter.reached += 1
        return form

    @routes.post("/upload")
    async def take_file(form: Upload) -> int:
        counter.reached += 1
        return form.file.size

    @routes.post("/callback")
    @csrf.exempt
    async def callback() -> None:
        counter.reached += 1

    return routes


@dataclass
class Draft:
    name: str


@dataclass
class Upload:
    file: UploadedFile


@dataclass
class Site:
    """Speak to the service as a browser or as another program."""

    url: URL
    client: aiohttp.ClientSession
    counter: Counter
    cookie: str = ""
    token: str = ""

    async def begin(self) -> None:
        """Get a session and its token."""
        async with self.client.get(self.url / "token") as answer:
            self.cookie = answer.cookies["session"].value
            self.token = json.loads(await answer.text())

    async def send(
        self,
        method: str,
        path: str = "change",
        *,
        cookie: bool = False,
        data: Any = None,
        **headers: str | None,
    ) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        if cookie:
            sent["Cookie"] = f"session={self.cookie}"
        async with self.client.request(method, self.url / path, headers=sent, data=data) as answer:
            return answer.status


@pytest_asyncio.fixture
async def site(serve: Serve, client: aiohttp.ClientSession) -> Site:
    counter = Counter()
    stack = [
        problems.battery(),
        sessions.battery(SessionSettings(keys=(Secret("k" * 40),), secure=False)),
        csrf.battery(CsrfSettings(trusted_origins=(TRUSTED, "https://*.family.example"))),
    ]
    url = await serve(create_app(ServiceSettings(), routes=[table(counter)], batteries=stack))
    site = Site(url, client, counter)
    await site.begin()
    return site


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
ORIGINS = {"no origin": None, "own origin": "own", "other origin": OTHER, "null origin": "null"}
SITES = {"says nothing": None, "same-origin": "same-origin", "cross-site": "cross-site"}
COOKIES = {"anonymous": False, "session": True}


def expected(method: str, origin: str | None, site: str | None, cookie: bool) -> int:
    """Say in other words than the code's what a browser's request without a token gets."""
    if method == "GET":
        return 200
    if site == "cross-site":
        return 403
    if site == "same-origin" or origin == "own":
        return 200
    if origin in {OTHER, "null"}:
        return 403
    return 403 if cookie else 200


def matrix() -> Iterator[Any]:
    for method, (origin_id, origin), (site_id, site), (cookie_id, cookie) in itertools.product(
        METHODS, ORIGINS.items(), SITES.items(), COOKIES.items()
    ):
        yield pytest.param(method, origin, site, cookie, id=f"{method}, {origin_id}, {site_id}, {cookie_id}")


@pytest.mark.parametrize(("method", "origin", "fetch_site", "cookie"), [*matrix()])
async def test_a_request_passes_by_where_it_comes_from(
    site: Site, method: str, origin: str | None, fetch_site: str | None, cookie: bool
) -> None:
    own = str(site.url.origin())

    status = await site.send(
        method, cookie=cookie, Origin=own if origin == "own" else origin, Sec_Fetch_Site=fetch_site
    )

    assert status == expected(method, origin, fetch_site, cookie)
    assert site.counter.reached == (status == 200)


@pytest.mark.parametrize("content_type", [URLENCODED, "text/plain", JSON, None], ids=str)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "same-origin, cross-site"},
        {"Sec_Fetch_Site": ""},
        {"Origin": OTHER},
        {"Origin": "null"},
        {"Origin": "https://family.example"},
        {"Origin": OTHER, "Authorization": "Basic YTpi"},
        {"Origin": OTHER, "Authorization": "negotiate abc"},
    ],
    ids=str,
)
async def test_what_another_site_sends_changes_nothing_whatever_its_content_type(
    site: Site, headers: Mapping[str, str], content_type: str | None
) -> None:
    statuses = [
        await site.send("POST", cookie=cookie, data=b"{}", Content_Type=content_type, **headers)
        for cookie in (False, True)
    ]

    assert statuses == [403, 403]
    assert site.counter.reached == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer abc"},
        {"Authorization": "Bearer abc", "Origin": OTHER, "Sec_Fetch_Site": "cross-site"},
        {"Origin": TRUSTED},
        {"Origin": TRUSTED, "Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://shop.family.example", "Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
    ],
    ids=str,
)
async def test_who_proves_itself_otherwise_or_is_trusted_needs_no_token(
    site: Site, headers: Mapping[str, str]
) -> None:
    assert await site.send("POST", cookie=True, **headers) == 200


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("shop.example", "http://shop.example", 200),
        ("shop.example:80", "http://shop.example", 200),
        ("SHOP.example", "http://shop.example", 200),
        ("shop.example", "https://shop.example", 200),
        ("shop.example", "https://shop.example:8443", 403),
        ("shop.example:8080", "http://shop.example", 403),
        ("shop.example", "http://shop.example.evil.example", 403),
    ],
)
async def test_the_own_origin_is_the_one_that_the_client_speaks_to(
    site: Site, host: str, origin: str, status: int
) -> None:
    assert await site.send("POST", cookie=True, Host=host, Origin=origin) == status


async def test_a_token_in_the_header_is_enough(site: Site) -> None:
    assert await site.send("POST", cookie=True, X_CSRF_Token=site.token) == 200


@pytest.mark.parametrize("path", ["change", "form"])
async def test_a_token_in_an_urlencoded_form_is_enough_and_the_form_can_still_be_read(
    site: Site, path: str
) -> None:
    async with site.client.post(
        site.url / path,
        data={"csrf_token": site.token, "name": "Ada"},
        headers={"Cookie": f"session={site.cookie}"},
    ) as answer:
        assert answer.status == 200
        assert "Ada" in await answer.text()


async def test_a_token_in_a_multipart_form_is_enough_for_a_handler_that_takes_a_form(site: Site) -> None:
    statuses = []
    for token in (site.token, "wrong"):
        form = aiohttp.FormData({"csrf_token": token})
        form.add_field("file", b"content", filename="a.txt")
        statuses.append(await site.send("POST", "upload", cookie=True, data=form))

    assert statuses == [200, 403]
    assert site.counter.reached == 1


async def test_a_multipart_form_for_a_handler_of_its_own_wants_the_token_in_the_header(site: Site) -> None:
    form = aiohttp.FormData({"csrf_token": site.token})
    form.add_field("file", b"content", filename="a.txt")

    assert await site.send("POST", cookie=True, data=form) == 403


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "\xff",
        "A" * 43 + "=",
        "A" * 86 + "==",
        "A" * 5_000,
        "%00",
    ],
    ids=lambda token: f"{token[:8]!r} of {len(token)}",
)
@pytest.mark.parametrize("place", ["header", "field"])
async def test_a_wrong_token_is_refused(site: Site, token: str, place: str) -> None:
    if place == "header":
        status = await site.send("POST", "form", cookie=True, data={"name": "Ada"}, X_CSRF_Token=token)
    else:
        status = await site.send("POST", "form", cookie=True, data={"name": "Ada", "csrf_token": token})

    assert status == 403
    assert site.counter.reached == 0


async def test_the_token_of_another_session_is_refused(site: Site) -> None:
    theirs = site.token
    await site.begin()

    assert await site.send("POST", cookie=True, X_CSRF_Token=theirs) == 403


async def test_a_cookie_that_is_no_session_needs_no_token(site: Site) -> None:
    site.cookie = "garbage"

    assert await site.send("POST", cookie=True) == 200


async def test_an_exempt_endpoint_is_sent_to_from_anywhere(site: Site) -> None:
    assert await site.send("POST", "callback", cookie=True, Origin=OTHER, Sec_Fetch_Site="cross-site") == 204


async def test_a_path_that_is_not_there_is_not_found_rather_than_forbidden(site: Site) -> None:
    assert await site.send("POST", "nowhere", Origin=OTHER) == 404


def test_tokens_of_one_session_differ_and_each_is_good() -> None:
    session: dict[str, Any] = {}

    tokens = {make_token(session) for _ in range(20)}

    assert len(tokens) == 20
    assert all(is_token(token, session) for token in tokens)
    assert not is_token(next(iter(tokens)), {})
    assert not is_token(next(iter(tokens)), {SESSION_CSRF: 5})


def test_trusted_origins_are_checked_when_the_service_is_made() -> None:
    with pytest.raises(ConfigurationError, match="no origin"):
        CsrfSettings(trusted_origins=("*",))


async def test_the_guard_reads_forms_within_the_configured_limits(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    stack = [
        problems.battery(),
        sessions.battery(SessionSettings(keys=(Secret("k" * 40),), secure=False)),
        csrf.battery(),
    ]
    settings = ServiceSettings(form=FormLimits(fields=3))
    site = Site(
        await serve(create_app(settings, routes=[table(Counter())], batteries=stack)), client, Counter()
    )
    await site.begin()

    within, beyond = [
        await site.send("POST", cookie=True, data={"csrf_token": site.token, **fields})
        for fields in ({"a": "1", "b": "2"}, {"a": "1", "b": "2", "c": "3"})
    ]

    assert (within, beyond) == (200, 400)
