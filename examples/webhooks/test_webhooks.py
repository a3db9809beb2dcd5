import asyncio
import json
import time

import pytest
from aiohttp import ClientSession
from webhooks import Ledger, Settings, WebhookSettings, build, signature_of

from framework import Secret
from framework.testing import Serve

SECRET = Secret("a-secret-that-both-sides-know")
SETTINGS = Settings(webhooks=WebhookSettings(secret=SECRET))
BODY = json.dumps({"id": "e1", "type": "invoice.paid", "invoice": 7}).encode()


def signed(body: bytes, *, secret: Secret = SECRET, age: int = 0) -> dict[str, str]:
    signature = signature_of(secret, int(time.time()) - age, body)
    return {"X-Signature": signature, "Content-Type": "application/json"}


async def test_an_event_is_worked_on_once(serve: Serve, client: ClientSession) -> None:
    ledger = Ledger()
    url = await serve(build(SETTINGS, ledger))

    answers = []
    for _ in range(3):
        async with client.post(url / "events", data=BODY, headers=signed(BODY)) as answer:
            answers.append((answer.status, (await answer.json())["repeated"]))
    await asyncio.sleep(0.05)

    assert answers == [(202, False), (202, True), (202, True)]
    assert ledger.paid == [7]


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(signed(BODY, secret=Secret("another")), id="another secret"),
        pytest.param(signed(BODY, age=301), id="an old one sent again"),
        pytest.param(signed(BODY.replace(b"7", b"8")), id="another body"),
        pytest.param({"X-Signature": "t=1,v1=x"}, id="no signature"),
        pytest.param({}, id="nothing"),
    ],
)
async def test_what_is_not_signed_is_refused(
    serve: Serve, client: ClientSession, headers: dict[str, str]
) -> None:
    ledger = Ledger()
    url = await serve(build(SETTINGS, ledger))

    async with client.post(url / "events", data=BODY, headers=headers) as answer:
        assert answer.status == 401
    assert ledger.events == {}


async def test_a_signed_event_must_still_be_one(serve: Serve, client: ClientSession) -> None:
    body = b'{"id": "e2", "type": "invoice.lost"}'
    url = await serve(build(SETTINGS))

    async with client.post(url / "events", data=body, headers=signed(body)) as answer:
        faults = {fault["pointer"] for fault in (await answer.json())["errors"]}

    assert (answer.status, faults) == (422, {"/type", "/invoice"})
