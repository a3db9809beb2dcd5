"""Lists, page by page: a signed cursor names the last row that was seen, so rows that come or go shift nothing."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from aiohttp import web
from marshmallow.validate import Length, Range, Regexp

from framework import validation
from framework.errors import NotFound
from framework.http import base64url
from framework.responses import Result

T = TypeVar("T")
U = TypeVar("U")

_MAC_BYTES = 16
# A place and its signature; as for the id of a thing, what cannot be one is a 422 and what names nothing a 404.
_CURSOR = r"^[A-Za-z0-9_-]{2,2000}\.[A-Za-z0-9_-]{22}(?![\s\S])"


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
    cursor: Annotated[str | None, Regexp(_CURSOR, error="Not a cursor.")] = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """A page; ``next`` is the cursor of the following one, null on the last."""

    items: list[T]
    next: str | None

    def map(self, show: Callable[[T], U]) -> Page[U]:
        """Return the page with each item shown in another way."""
        return Page([show(item) for item in self.items], self.next)


def linked(request: web.Request, page: Page[T]) -> Result[Page[T]]:
    """Answer a page, with a ``Link`` to the following one and, from a later one, to the first (RFC 8288)."""
    here, links = request.rel_url, []
    if "cursor" in here.query:
        links.append(f'<{here.without_query_params("cursor")}>; rel="first"')
    if page.next is not None:
        links.append(f'<{here.update_query(cursor=page.next)}>; rel="next"')
    return Result(page, headers={"Link": ", ".join(links)} if links else {})


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
            NotFound: It was made by somebody else, or for another list.
        """
        body, _, mac = cursor.rpartition(".")
        try:
            given = base64url.decode(mac)
            if any(hmac.compare_digest(given, _mac(key, of, body)) for key in self._keys):
                place: list[Any] = validation.decode(base64url.decode(body))
                return place
        except ValueError:
            pass
        raise NotFound(
            "This list has no such cursor: take the next of a page of it, in the same order and filters."
        )


def _mac(key: bytes, of: str, body: str) -> bytes:
    return hmac.digest(key, f"{len(of)}:{of}{body}".encode(errors="surrogatepass"), "sha256")[:_MAC_BYTES]
