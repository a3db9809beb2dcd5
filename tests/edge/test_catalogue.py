"""Nothing that a client sends is answered with a fault of ours, left without an answer, or logged as an error."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter

import pytest

from framework.server import serve
from tests.edge.catalogue import Case, cases
from tests.edge.service import build
from tests.server.raw import PATIENCE_SECONDS, Peer
from tests.server.service import errors

AT_ONCE = 8


async def ask(port: int, case: Case, places: asyncio.Semaphore) -> tuple[str, int, int]:
    """Send one input, and return its name, the status that was wanted and the one that came; 0 for none."""
    async with places:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(case.data)
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await Peer(reader, writer).answer()
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            return case.name, case.status, 0
        finally:
            writer.close()
        return case.name, case.status, answer.status


def test_the_catalogue_has_a_thousand_inputs_each_of_its_own() -> None:
    names = Counter(case.name for case in cases())

    assert names.total() >= 1_000
    assert names.most_common(1)[0][1] == 1


@pytest.mark.guarantee("malformed requests")
async def test_bad_input_gets_the_status_that_it_deserves(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    places = asyncio.Semaphore(AT_ONCE)

    async with serve(build()) as running:
        found = await asyncio.gather(*(ask(running.port, case, places) for case in cases()))

    assert [each for each in found if each[1] != each[2]] == []
    assert errors(caplog.records) == []
