"""How much of a request has arrived, without a socket."""

from __future__ import annotations

import asyncio

from framework.errors import RequestTimeout
from framework.server import ServerSettings
from framework.server.arrivals import Body, Head
from framework.server.timeouts import Pace

SETTINGS = ServerSettings(request_line_bytes=100, headers_bytes=200, header_read_seconds=7)

# So fast that a body is late a moment after it stops; so lenient that it never is.
STRICT, LENIENT = Pace(1e9, 0.02, 0.02), Pace(1, 60, 60)


class Arriving:
    """The stream of a body whose end is told by hand."""

    def __init__(self) -> None:
        self.ended = False
        self.error: BaseException | None = None

    def is_eof(self) -> bool:
        return self.ended

    def set_exception(self, exc: BaseException) -> None:
        self.error = exc


def test_a_head_may_have_the_bytes_of_request_line_and_headers_together() -> None:
    head = Head(SETTINGS)

    found = [head.grow(299), head.grow(1), head.grow(1)]

    assert found[:2] == [None, None]
    assert found[2] is not None
    assert found[2].status == 431
    assert "200 bytes" in found[2].detail


def test_a_head_has_begun_with_its_first_byte_and_is_forgotten_when_it_has_arrived() -> None:
    head = Head(SETTINGS)
    before = head.has_begun

    head.since = 5.0
    head.grow(300)
    during = head.has_begun
    head.end()

    assert (before, during, head.has_begun, head.since) == (False, True, False, 0.0)
    assert head.grow(300) is None


def test_a_head_is_due_so_long_behind_its_first_byte() -> None:
    head = Head(SETTINGS)
    head.since = 100.0

    assert head.due == 107.0


async def late(pace: Pace, *, seconds: float = 0.2) -> tuple[Body, list[str]]:
    """Return a body, and what its watch has told in so many seconds."""
    told: list[str] = []
    body = Body(Arriving(), pace, lambda: told.append("late"))
    body.watch()
    await asyncio.sleep(seconds)
    return body, told


async def test_a_body_that_stops_arriving_is_late() -> None:
    _, told = await late(STRICT)

    assert told == ["late"]


async def test_a_body_in_time_is_not_late() -> None:
    body, told = await late(LENIENT)
    body.end()

    assert told == []


async def test_a_body_that_nobody_watches_is_never_late() -> None:
    told: list[str] = []
    Body(Arriving(), STRICT, lambda: told.append("late"))

    await asyncio.sleep(0.1)

    assert told == []


async def test_a_body_that_has_ended_is_not_late() -> None:
    told: list[str] = []
    body = Body(Arriving(), STRICT, lambda: told.append("late"))
    body.watch()

    body.end()
    body.end()
    await asyncio.sleep(0.1)

    assert told == []


async def test_each_byte_puts_the_end_of_a_pause_off() -> None:
    told: list[str] = []
    body = Body(Arriving(), Pace(0.001, 0.0, 0.3), lambda: told.append("late"))
    body.grow(0)

    for _ in range(6):
        body.grow(1)
        await asyncio.sleep(0.1)
    in_time = list(told)
    await asyncio.sleep(0.5)

    assert (in_time, told) == ([], ["late"])


async def test_a_client_that_sends_does_not_wait_for_100_continue_any_longer() -> None:
    told: list[str] = []
    body = Body(Arriving(), STRICT, lambda: told.append("late"))
    body.awaits_continue = True

    body.grow(1)
    await asyncio.sleep(0.1)

    assert not body.awaits_continue
    assert told == ["late"]


async def test_a_slow_handler_is_not_held_against_the_client() -> None:
    told: list[str] = []
    body = Body(Arriving(), Pace(1, 0.3, 0.3), lambda: told.append("late"))
    body.watch()

    for _ in range(5):
        await asyncio.sleep(0.1)
        body.forgive()
    in_time = list(told)
    await asyncio.sleep(0.6)

    assert (in_time, told) == ([], ["late"])


async def test_nothing_is_forgiven_where_nothing_is_demanded() -> None:
    body = Body(Arriving(), STRICT, lambda: None)

    body.forgive()

    assert not body.has_ended


async def test_a_body_that_fails_is_an_error_to_its_reader_and_watched_no_longer() -> None:
    told: list[str] = []
    stream, error = Arriving(), RequestTimeout("The body did not arrive in time.")
    body = Body(stream, STRICT, lambda: told.append("late"))
    body.watch()

    body.fail(error)
    await asyncio.sleep(0.1)

    assert stream.error is error
    assert told == []


async def test_a_body_has_ended_when_its_stream_has() -> None:
    stream = Arriving()
    body = Body(stream, LENIENT, lambda: None)
    before = body.has_ended

    stream.ended = True

    assert (before, body.has_ended) == (False, True)
