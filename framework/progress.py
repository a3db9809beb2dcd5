"""The requests that an application responds to just now, for those who end what is late and refuse what is too much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from framework.context import DEADLINE
from framework.streaming import is_begun

Explain = Callable[[BaseException], Exception | None]


@dataclass(slots=True)
class Work:
    """The number of a request, and the task that it is responded to in.

    Attributes:
        late: As `LATE`.
    """

    number: int
    task: asyncio.Task[Any] | None
    late: Explain | None = None


WORK: web.RequestKey[Work] = web.RequestKey("work", Work)
"""Kept by requests that are not our server's own: their clones have other numbers and a state of their own."""

LATE: web.RequestKey[Explain] = web.RequestKey("late")
"""``(error) -> error or None``: set when a request was cancelled because its time is up. It takes that back, and
returns what to tell the client instead of what came of it; None if the error comes from somewhere else."""


def lateness_of(request: web.Request) -> Explain | None:
    """Return what explains the errors of a request whose time is up, be it a clone; None of one that is in time."""
    work = request.get(WORK)
    return request.get(LATE) if work is None else work.late


class Progress:
    """The requests in progress, in the order in which they have come.

    PERF: a request is put in and taken out, and that is all it pays; who wants to know more looks through them, seldom.

    Attributes:
        requests: By their numbers.
        streams: Those that were found to have begun their response, such as sockets; they may last for days.
        at_end: Called whenever a request has come to its end, while somebody waits for that.
    """

    __slots__ = ("at_end", "requests", "streams")

    def __init__(self) -> None:
        self.requests: dict[int, web.Request] = {}
        self.streams: dict[int, web.Request] = {}
        self.at_end: Callable[[], None] | None = None

    def part_streams(self) -> None:
        """Put those whose response has begun among the streams."""
        for number in [number for number, request in self.requests.items() if is_begun(request)]:
            self.part_stream(number)

    def part_stream(self, number: int) -> None:
        """Put a request among the streams; what it asks of others has no end then either."""
        request = self.streams[number] = self.requests.pop(number)
        request.pop(DEADLINE, None)


PROGRESS: Final = web.AppKey("progress", Progress)
"""The requests in progress of an application that `framework.create_app` has made."""
