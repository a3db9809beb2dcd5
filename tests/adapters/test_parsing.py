"""What may stay in the queue that aiohttp's parser fills."""

from __future__ import annotations

from collections import deque

import pytest
from aiohttp import HttpVersion11
from aiohttp.http import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from framework.adapters.aiohttp.messages import header_bytes
from framework.adapters.aiohttp.parsing import Messages, count_behind_chunks, drop_last, refuse_large_heads
from framework.errors import ServiceError

pytestmark = pytest.mark.guarantee("trailers")

ERROR = _ErrInfo(status=400, exc=ValueError(), message="bad")


def message(path: str = "/", *, chunked: bool = False, value: str = "") -> RawRequestMessage:
    headers = CIMultiDictProxy(CIMultiDict({"A": value}))
    raw = ((b"A", value.encode()),)
    return RawRequestMessage(
        "POST", path, HttpVersion11, headers, raw, False, None, False, chunked, URL(path)
    )


def queue(*parts: RawRequestMessage | _ErrInfo) -> Messages:
    return deque((part, EMPTY_PAYLOAD) for part in parts)


WHOLE, CHUNKED = message(), message(chunked=True)


@pytest.mark.parametrize(
    ("messages", "count", "behind"),
    [
        (queue(WHOLE), 1, 0),
        (queue(CHUNKED), 1, 0),
        (queue(WHOLE, WHOLE, WHOLE), 3, 0),
        (queue(CHUNKED, WHOLE), 2, 1),
        (queue(CHUNKED, WHOLE, WHOLE), 3, 2),
        (queue(WHOLE, CHUNKED, WHOLE), 3, 1),
        (queue(CHUNKED, WHOLE, CHUNKED, WHOLE), 4, 3),
        (queue(WHOLE, CHUNKED), 2, 0),
        (queue(CHUNKED, ERROR), 2, 1),
        (queue(ERROR, WHOLE), 2, 0),
        (queue(CHUNKED, WHOLE, WHOLE), 2, 0),
    ],
    ids=[
        "one",
        "one that is chunked",
        "none is chunked",
        "one behind",
        "two behind",
        "one in front and one behind",
        "the first that is chunked counts",
        "nothing behind",
        "an error behind",
        "an error is not chunked",
        "those that were there before are not looked at",
    ],
)
def test_requests_behind_the_first_chunked_body_are_counted(
    messages: Messages, count: int, behind: int
) -> None:
    assert count_behind_chunks(messages, count) == behind


def test_the_last_requests_are_dropped_and_the_others_stay_in_their_order() -> None:
    messages = queue(message("/1"), message("/2"), message("/3"))

    drop_last(messages, 2)

    assert [part.path for part, _ in messages if isinstance(part, RawRequestMessage)] == ["/1"]


def test_nothing_is_dropped_where_there_is_nothing_to_drop() -> None:
    messages = queue(message("/1"))

    drop_last(messages, 0)

    assert len(messages) == 1


@pytest.mark.parametrize(("beyond", "is_refused"), [(0, False), (1, True)], ids=["at the limit", "above it"])
def test_headers_are_refused_above_the_limit_of_all_together(beyond: int, is_refused: bool) -> None:
    large = message("/1", value="x" * 200)
    messages = queue(large, message("/2"))

    found = refuse_large_heads(messages, 2, header_bytes(large) - beyond)

    first, second = (part for part, _ in messages)
    assert found is is_refused
    assert isinstance(first, _ErrInfo) is is_refused
    assert isinstance(second, RawRequestMessage)
    if isinstance(first, _ErrInfo):
        assert isinstance(first.exc, ServiceError)
        assert first.exc.problem().status == 431


def test_only_the_last_requests_are_looked_at_and_an_error_stays_what_it_is() -> None:
    messages = queue(message("/1", value="x" * 200), ERROR, message("/2"))

    found = refuse_large_heads(messages, 2, 100)

    assert not found
    assert messages[1] == (ERROR, EMPTY_PAYLOAD)
    assert not isinstance(messages[0][0], _ErrInfo)


def test_the_frame_of_a_header_counts() -> None:
    assert header_bytes(message(value="abc")) == len(b"A: abc\r\n")
