"""Lists, page by page: a signed cursor names the last row that was seen, so rows that come or go shift nothing."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from aiohttp import web
from marshmallow.validate import Length, Range

from framework import validation
from framework.errors import UnprocessableContent
from framework.http import base64url
from framework.problem import Fault
from framework.responses import Result

T = TypeVar("T")
U = TypeVar("U")

_MAC_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """A wish for a page: ``?limit=20&sort=-created_at&cursor=...``; derive from it to add filters.

    Attributes:
        limit: The most items of a page.
        sort: By what the list is sorted; downwards with ``-`` in front.
        cursor: The ``next`` of the page before.
    """

    limit: Annotated[int, Range(1, 100)] = 20
    sort: Annotated[str | None, Length(max=100)] = None
    cursor: Annotated[str | None, Length(max=2_000)] = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page; ``next`` is the cursor of the following one, null on the last."""

    items: list[T]
    next: str | None

    def map(self, show: Callable[[T], U]) -> Page[U]:
        """Return the page with each item shown in another way."""
        return Page([show(item) for item in self.items], self.next)


def linked(request: web.Request, page: Page[T]) -> Result[Page[T]]:
    """Answer a page, with a ``Link`` to the following one (RFC 8288)."""
    if page.next is None:
        return Result(page)
    url = request.rel_url.update_query(cursor=page.next)
    return Result(page, headers={"Link": f'<{url}>; rel="next"'})


class Cursors:
    """What signs cursors and tells whether one is ours, and of this very list.

    Args:
        keys: Newest first: the first one signs, all of them verify.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def sign(self, place: Sequence[Any], *, of: str) -> str:
        """Return the cursor of a place in a list.

        Args:
            place: The values of the last row by which the list is sorted, as JSON.
            of: Which list: its path, its order and its filters.
        """
        body = base64url.encode(validation.encode(list(place)))
        return f"{body}.{base64url.encode(_mac(self._keys[0], of, body))}"

    def verify(self, cursor: str, *, of: str) -> list[Any]:
        """Return the place that a cursor names.

        Raises:
            UnprocessableContent: It was made by somebody else, or for another list.
        """
        body, _, mac = cursor.rpartition(".")
        try:
            given = base64url.decode(mac)
            if any(hmac.compare_digest(given, _mac(key, of, body)) for key in self._keys):
                place: list[Any] = validation.decode(base64url.decode(body))
                return place
        except ValueError:
            pass
        raise UnprocessableContent([Fault("query", "/cursor", "Not a cursor of this list.")])


def _mac(key: bytes, of: str, body: str) -> bytes:
    return hmac.digest(key, f"{len(of)}:{of}{body}".encode(errors="surrogatepass"), "sha256")[:_MAC_BYTES]
