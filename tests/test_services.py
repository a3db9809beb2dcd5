"""Services: made for a request or for the application, closed behind it, and mistakes told where they are written."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NewType

import aiohttp
import pytest
import svcs
from aiohttp import web

from framework import Battery, NotFound, Principal, Provide, RouteTableDef, Unauthorized, provide
from framework.battery import Handler
from framework.context import CONTAINER, REGISTRY
from framework.context import services as services_of
from framework.errors import ConfigurationError
from framework.testing import Serve
from tests.kernel import kernel_app


class Store:
    pass


class Users:
    def __init__(self, store: Store) -> None:
        self.store = store

    async def get(self, subject: str) -> str:
        if subject != "ann":
            raise NotFound("user", subject)
        return "Ann"


@dataclass(frozen=True)
class CurrentUser:
    name: str


async def current_user(principal: Principal, users: Users) -> CurrentUser:
    return CurrentUser(await users.get(principal.subject))


class Audit:
    def __init__(self, request: web.Request, user: CurrentUser, caller: Principal | None) -> None:
        self.line = f"{user.name} {request.path} {caller and caller.subject}"
        self.user = user


def find_caller(request: web.Request) -> Principal | None:
    subject = request.headers.get("X-Subject")
    return None if subject is None else Principal(subject=subject)


CALLERS = Battery(
    name="callers",
    provides={Principal: Provide(find_caller, names=("principal",), absent=Unauthorized)},
)


async def answer(client: aiohttp.ClientSession, url: Any, **options: Any) -> tuple[int, Any]:
    async with client.get(url, **options) as response:
        return response.status, await response.json(content_type=None)


async def test_the_current_user_is_a_parameter_made_from_the_request(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    routes = RouteTableDef()

    @routes.get("/me")
    async def me(user: CurrentUser, audit: Audit) -> list[Any]:
        return [user.name, audit.line, audit.user is user]

    services = provide(Store, Users, Audit, {CurrentUser: current_user})
    url = await serve(kernel_app(routes, batteries=(CALLERS, services))) / "me"

    known = await answer(client, url, headers={"X-Subject": "ann"})
    unknown = await answer(client, url, headers={"X-Subject": "bob"})
    nobody = await answer(client, url)

    assert known == (200, ["Ann", "Ann /me ann", True])
    assert (unknown[0], nobody[0]) == (404, 401)


class Pool(Store):
    pass


async def test_services_close_behind_the_response_and_those_of_the_application_when_it_stops(
    client: aiohttp.ClientSession, serve: Serve
) -> None:
    seen: list[str] = []

    async def open_pool() -> AsyncIterator[Pool]:
        seen.append("pool opens")
        yield Pool()
        seen.append("pool closes")

    @asynccontextmanager
    async def open_store(pool: Pool) -> AsyncIterator[Store]:
        seen.append("store opens")
        yield pool
        seen.append("store closes")

    def open_users(store: Store) -> Iterator[Users]:
        seen.append("users open")
        yield Users(store)
        seen.append("users close")

    routes = RouteTableDef()

    @routes.get("/")
    async def handler(users: Users, store: Store, pool: Pool) -> bool:
        seen.append("handled")
        return users.store is store is pool

    app = kernel_app(routes, batteries=(provide(open_pool, scope="app"), provide(open_store, open_users)))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    answers = [await answer(client, f"http://127.0.0.1:{port}/") for _ in range(2)]
    await runner.cleanup()

    request = ["store opens", "users open", "handled", "users close", "store closes"]
    assert answers == [(200, True)] * 2
    assert seen == ["pool opens", *request, *request, "pool closes"]


Limit = NewType("Limit", int)


class Clock:
    pass


async def test_objects_are_shared_as_they_are(serve: Serve, client: aiohttp.ClientSession) -> None:
    store, clock = Store(), Clock()
    routes = RouteTableDef()

    @routes.get("/")
    async def handler(mine: Store, when: Clock, limit: Limit) -> list[Any]:
        return [mine is store, when is clock, limit]

    url = await serve(kernel_app(routes, batteries=(provide(store, {Clock: clock, Limit: 20}),)))

    assert await answer(client, url) == (200, [True, True, 20])


class Shelf(dict[str, str]):
    pass


async def test_an_object_of_a_mapping_of_one_s_own_is_a_service(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    table = RouteTableDef()

    @table.get("/")
    async def show(shelf: Shelf) -> dict[str, str]:
        return shelf

    for shelf in (Shelf(), Shelf(a="tea")):
        url = await serve(kernel_app(table, batteries=(provide(shelf),)))

        assert await answer(client, url) == (200, shelf)


async def test_a_clone_that_a_battery_passes_on_is_the_same_request(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    closed: list[bool] = []

    async def open_store() -> AsyncIterator[Store]:
        yield Store()
        closed.append(True)

    async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["X-Seen"] = str(CONTAINER in request and Store in services_of(request))
        return response

    async def cloning(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(headers={**request.headers, "X-Added": "yes"}))

    routes = RouteTableDef()

    @routes.get("/")
    async def handler(request: web.Request, store: Store) -> str:
        return request.headers["X-Added"]

    batteries = (
        Battery(name="outer", middleware=outer),
        Battery(name="cloning", middleware=cloning),
        provide(open_store),
    )
    url = await serve(kernel_app(routes, batteries=batteries))
    async with client.get(url) as response:
        added = await response.json()

    assert (added, response.headers["X-Seen"], closed) == ("yes", "True", [True])


async def test_what_needs_a_request_says_so_outside_of_one(serve: Serve) -> None:
    app = kernel_app(batteries=(CALLERS, provide(Store, Users, Audit, current_user)))
    await serve(app)

    async with svcs.Container(app[REGISTRY]) as container:
        with pytest.raises(RuntimeError, match=r"test_services\.py:\d+ Audit: its 'request' .* none is"):
            await container.aget(Audit)


def here() -> int:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param(lambda: (provide("store"), here()), "a class, a function", id="a text"),
        pytest.param(lambda: (provide(None), here()), "got None", id="nothing"),
        pytest.param(lambda: (provide(Battery(name="x")), here()), "into the list itself", id="a battery"),
        pytest.param(lambda: (provide({"store": Store}), here()), "the type by which", id="a text as type"),
        pytest.param(
            lambda: (provide({Store: 5}), here()), "an object of Store", id="an object of another type"
        ),
        pytest.param(
            lambda: (provide(Store, scope="session"), here()),  # type: ignore[arg-type]
            "'request' or 'app' and is 'session'",
            id="an unknown scope",
        ),
    ],
)
def test_a_mistake_is_told_with_the_line_that_makes_it(wrong: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        wrong()

    line = wrong.__code__.co_firstlineno
    place, _, rest = str(raised.value).partition(": ")
    assert place.startswith(__file__)
    assert line <= int(place.rpartition(":")[2]) <= line + 2
    assert said in rest


async def vague(thing) -> Store: ...  # type: ignore[no-untyped-def, empty-body]


async def silent(): ...  # type: ignore[no-untyped-def]


async def unknown(thing: Nowhere) -> Store: ...  # type: ignore[name-defined, empty-body]  # noqa: F821


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        pytest.param(vague, "annotate its parameter 'thing'", id="a parameter without a type"),
        pytest.param(silent, "annotate what it returns", id="no return type"),
        pytest.param(unknown, "Nowhere", id="an unknown annotation"),
    ],
)
def test_a_factory_that_cannot_be_filled_is_named(factory: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        provide(factory)

    assert said in str(raised.value)
    assert f"test_services.py:{factory.__code__.co_firstlineno} {factory.__name__}" in str(raised.value)


class Egg:
    def __init__(self, hen: Hen) -> None: ...


class Hen:
    def __init__(self, egg: Egg) -> None: ...


def test_services_that_need_each_other_are_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"test_services\.py:\d+ .*need each other: \w+ needs \w+ needs"
    ):
        provide(Egg, Hen)


@pytest.mark.parametrize(
    ("factory", "parameter"),
    [
        pytest.param(Users, "store", id="a service of a request"),
        pytest.param({Users: lambda request: Users(Store())}, "request", id="the request"),
        pytest.param(current_user, "principal", id="what a battery takes from a request"),
    ],
)
async def test_what_lasts_needs_nothing_that_is_made_for_a_request(factory: Any, parameter: str) -> None:
    others = provide(Store, Users) if factory is current_user else provide(Store)
    runner = web.AppRunner(kernel_app(batteries=(CALLERS, others, provide(factory, scope="app"))))

    with pytest.raises(ConfigurationError, match=rf"lives as long as the application, and its '{parameter}'"):
        await runner.setup()


def test_two_batteries_of_services_of_one_name_are_told_apart() -> None:
    with pytest.raises(ConfigurationError, match=r"'services' is listed twice; .* give it a name of its own"):
        kernel_app(batteries=(provide(Store), provide(Clock)))
