"""How an endpoint says how many of its requests there may be at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from framework.batteries.overload.settings import LaneSettings
from framework.endpoint import Mark, calling_line
from framework.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Concurrency(Mark):
    """A promise that no more than so many requests of an endpoint are worked on at once, in each worker."""

    battery: ClassVar[str | None] = "overload"
    problems: ClassVar[tuple[int, ...]] = (503,)
    settings: LaneSettings
    lane: str = ""


def concurrency(
    at_once: int,
    *,
    waiting: int | None = None,
    each: int | None = None,
    wait_seconds: float = 2.0,
    lane: str = "",
) -> Concurrency:
    """Limit how many requests of an endpoint are worked on at once: ``@concurrency(8)``.

    Args:
        at_once: How many, in each worker.
        waiting: How many more may wait; as many again when None.
        each: How many of those that wait may be of one client address; a quarter when None.
        wait_seconds: How long they wait.
        lane: Endpoints that say the same name share one limit.

    Raises:
        ConfigurationError: A figure makes no sense.
    """
    numbers = (at_once, 0 if waiting is None else waiting, 1 if each is None else each)
    if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
        raise ConfigurationError(
            f"{calling_line()}: @concurrency takes a number of requests and got {at_once!r}; write @concurrency(8)."
        )
    queue = at_once if waiting is None else waiting
    try:
        settings = LaneSettings(
            at_once=at_once,
            waiting=queue,
            waiting_each=max(1, queue // 4) if each is None else each,
            wait_seconds=wait_seconds,
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"{calling_line()}: @concurrency: {error}") from None
    return Concurrency(settings, lane)
