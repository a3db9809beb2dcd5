"""Marks count wherever they stand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from framework import Mark, RouteTableDef, ServiceSettings, authenticated, create_app, limit, public, requires
from framework.binding.signatures import read_endpoint
from framework.context import ENDPOINTS
from framework.endpoint import marks_of
from framework.errors import ConfigurationError
from framework.testing import Serve
from tests.kernel import kernel_app


@dataclass(frozen=True)
class Tag(Mark):
    text: str


def logged(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await handler(*args, **kwargs)

    return wrapper


def bare(handler: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(handler, updated=())
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        return await handler(*args, **kwargs)

    return wrapper


class Service:
    def __init__(self, name: str) -> None:
        self.name = name

    async def get(self, request: web.Request) -> web.Response:
        return web.Response(text=self.name)

    async def typed(self, number: int) -> list[Any]:
        """Name the service."""
        return [self.name, number]

    @Tag("inner")
    async def tagged(self, request: web.Request) -> web.Response:
        return web.Response(text=self.name)


class Callable_:  # noqa: N801
    async def __call__(self, request: web.Request) -> web.Response:
        return web.Response(text="object")


class Slotted:
    __slots__ = ()

    @Tag("inner")
    async def __call__(self, request: web.Request) -> web.Response:
        return web.Response(text="slots")


async def plain(request: web.Request) -> web.Response:
    return web.Response(text="plain")


@pytest.mark.parametrize(
    ("handler", "expected"),
    [
        pytest.param(
            Tag("outer")(logged(Tag("inner")(plain))), ["outer", "inner"], id="above and below a decorator"
        ),
        pytest.param(
            Tag("outer")(bare(Tag("inner")(plain))), ["outer", "inner"], id="a decorator that copies nothing"
        ),
        pytest.param(
            Tag("outer")(functools.partial(Tag("inner")(plain))), ["outer", "inner"], id="a partial"
        ),
        pytest.param(Tag("outer")(Callable_()), ["outer"], id="an object that is callable"),
        pytest.param(Tag("outer")(Slotted()), ["outer", "inner"], id="an object with slots"),
        pytest.param(Tag("outer")(Service("a").tagged), ["outer", "inner"], id="a bound method"),
        pytest.param(
            Tag("outer")(logged(Service("a").tagged)), ["outer", "inner"], id="around a bound method"
        ),
    ],
)
def test_marks_are_read_from_every_layer_once_and_outermost_first(handler: Any, expected: list[str]) -> None:
    endpoint = read_endpoint("GET", "/", handler)

    assert [mark.text for mark in endpoint.marks if isinstance(mark, Tag)][: len(expected)] == expected


def test_a_mark_on_a_method_is_that_instance_s_alone() -> None:
    one, other = Service("one"), Service("other")

    marked = public(one.get)

    assert marks_of(marked) == (public,)
    assert marks_of(other.get) == marks_of(one.get) == ()


async def test_methods_partials_and_objects_answer(serve: Serve, client: aiohttp.ClientSession) -> None:
    service = Service("bound")
    routes = RouteTableDef()
    routes.get("/method")(public(service.get))
    routes.get("/typed")(public(service.typed))
    routes.get("/object")(public(Callable_()))
    app = kernel_app(routes)
    app.router.add_get("/added", service.get)
    url = await serve(app)

    texts = []
    for path in ("method", "typed?number=3", "object", "added"):
        async with client.get(URL(f"{url}/{path}")) as response:
            texts.append(await response.text())

    assert texts == ["bound", '["bound",3]', "object", "bound"]
    assert [endpoint.description for endpoint in app[ENDPOINTS]] == ["", "Name the service.", ""]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(lambda: [public()], "was called with nothing", id="public with parentheses"),
        pytest.param(
            lambda: [authenticated()], "was called with nothing", id="authenticated with parentheses"
        ),
        pytest.param(lambda: [requires()], "@authenticated for", id="requires without scopes"),
        pytest.param(lambda: requires(5), "got 5", id="a scope that is no text"),
    ],
)
def test_a_wrong_mark_is_told_with_the_line_that_makes_it(wrong: Callable[[], Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        wrong()

    assert said in str(raised.value)
    assert str(raised.value).startswith(f"{__file__}:{wrong.__code__.co_firstlineno}: ")


def test_requires_without_parentheses_names_the_handler() -> None:
    with pytest.raises(
        ConfigurationError, match=r"test_marks\.py:\d+ plain: @requires takes scopes and got a"
    ):
        requires(plain)


async def test_the_marks_of_a_table_hold_where_a_handler_has_none_about_the_same(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef(prefix="/x", marks=[authenticated, limit("1/minute")])

    @routes.get("/silent")
    async def silent() -> None: ...

    @routes.get("/open")
    @public
    async def open_to_all() -> None: ...

    @routes.get("/own")
    @public
    @limit("2/minute")
    async def own() -> None: ...

    url = await serve(create_app(ServiceSettings(), routes=[routes]))
    statuses = {}
    for path in ("silent", "open", "own"):
        statuses[path] = [(await client.get(url / "x" / path)).status for _ in range(3)]

    assert statuses == {"silent": [401, 401, 401], "open": [204, 429, 429], "own": [204, 204, 429]}


def test_what_is_no_mark_is_none_of_a_table() -> None:
    with pytest.raises(ConfigurationError, match=r"test_marks.py.*marks are such as authenticated"):
        RouteTableDef(marks=[requires])  # type: ignore[list-item]
