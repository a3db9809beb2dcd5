import pytest
from aiohttp import ClientSession
from hello import build

from framework import ServiceSettings
from framework.testing import Serve


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [("", 200, "hello, world"), ("name=Ada", 200, "hello, Ada"), ("nam=Ada", 422, "/nam")],
)
async def test_somebody_is_greeted(
    serve: Serve, client: ClientSession, query: str, status: int, said: str
) -> None:
    url = await serve(build(ServiceSettings()))

    async with client.get(url.with_query(query)) as answer:
        assert answer.status == status
        assert said in await answer.text()
