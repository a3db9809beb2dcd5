import asyncio
import time
from collections.abc import Awaitable, Callable

from aiohttp import ClientSession, web
from gateway import Settings, Upstreams, build
from yarl import URL

from framework.batteries.client import ClientSettings
from framework.testing import Serve

Answer = Callable[[web.Request], Awaitable[web.Response]]


async def known(request: web.Request) -> web.Response:
    return web.json_response({"id": request.match_info["id"], "request": request.headers["X-Request-ID"]})


async def broken(request: web.Request) -> web.Response:
    raise web.HTTPServiceUnavailable


async def slow(request: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


async def gateway_to(serve: Serve, **answers: Answer) -> URL:
    places = {}
    for name, answer in answers.items():
        app = web.Application()
        app.router.add_get("/customers/{id}", answer)
        places[name] = str(await serve(app)).rstrip("/")
    upstreams = Upstreams(**places)
    return await serve(build(Settings(gateway=upstreams, client=ClientSettings(allow=("127.0.0.1",)))))


async def test_all_are_asked_under_one_request_id(serve: Serve, client: ClientSession) -> None:
    url = await gateway_to(serve, accounts=known, orders=known, news=known)

    async with client.get(url / "dashboard/7", headers={"X-Request-ID": "r-1"}) as answer:
        said = {"id": "7", "request": "r-1"}
        assert await answer.json() == {"accounts": said, "orders": said, "news": said, "missing": {}}


async def test_who_is_down_or_late_spoils_nothing(serve: Serve, client: ClientSession) -> None:
    url = await gateway_to(serve, accounts=known, orders=broken, news=slow)

    began = time.monotonic()
    async with client.get(url / "dashboard/7") as answer:
        dashboard = await answer.json()

    assert dashboard["accounts"]["id"] == "7"
    assert dashboard["missing"] == {"orders": "status 503", "news": "timeout"}
    assert time.monotonic() - began < 2


async def test_without_any_of_them_there_is_no_answer(serve: Serve, client: ClientSession) -> None:
    url = await gateway_to(serve, accounts=broken, orders=broken, news=broken)

    async with client.get(url / "dashboard/7") as answer:
        assert answer.status == 502
