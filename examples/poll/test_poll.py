from aiohttp import ClientSession
from poll import build

from framework import ServiceSettings
from framework.testing import Serve


async def test_everybody_sees_each_vote(serve: Serve, client: ClientSession) -> None:
    url = await serve(build(ServiceSettings())) / "polls/lunch"

    async with client.ws_connect(url / "live") as ada, client.ws_connect(url / "live") as eve:
        first = [await ada.receive_json(), await eve.receive_json()]
        async with client.post(url / "votes", json={"choice": "yes"}) as answer:
            voted = await answer.json()
        told = [await ada.receive_json(), await eve.receive_json()]

    assert first == [{"yes": 0, "no": 0, "maybe": 0}] * 2
    assert told == [voted, voted] == [{"yes": 1, "no": 0, "maybe": 0}] * 2


async def test_there_are_three_choices(serve: Serve, client: ClientSession) -> None:
    url = await serve(build(ServiceSettings())) / "polls/lunch"

    async with client.post(url / "votes", json={"choice": "never"}) as answer:
        assert (answer.status, (await answer.json())["errors"][0]["pointer"]) == (422, "/choice")


async def test_the_page_may_run_its_own_script_alone(serve: Serve, client: ClientSession) -> None:
    url = await serve(build(ServiceSettings())) / "polls/lunch"

    async with client.get(url) as answer:
        page, policy = await answer.text(), answer.headers["Content-Security-Policy"]

    nonce = page.partition('nonce="')[2].partition('"')[0]
    assert nonce
    assert f"'nonce-{nonce}'" in policy
