"""What a plain aiohttp handler reads of a request, within the limits and with the errors of typed ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from aiohttp import hdrs, web
from aiohttp.typedefs import DEFAULT_JSON_DECODER
from multidict import MultiDict, MultiDictProxy

from framework import validation
from framework.adapters.aiohttp.multipart import Multipart, explained, multipart_of
from framework.errors import MalformedBody, UnsupportedMediaType
from framework.http.charsets import find_charset
from framework.http.cookies import parse_cookies
from framework.http.urlencoded import parse_urlencoded

URLENCODED: Final = "application/x-www-form-urlencoded"


class MalformedText(MalformedBody, ValueError):
    """Text that is not in its encoding; a ValueError too, as Python's own error is."""


class NotJSON(MalformedBody, json.JSONDecodeError):
    """JSON that cannot be read; a JSONDecodeError too, which handlers may be waiting for."""

    def __init__(self, detail: str) -> None:
        json.JSONDecodeError.__init__(self, detail, "", 0)
        self.detail, self.headers, self.extensions = detail, {}, {}


class ReadableRequest(web.Request):
    """A request whose body is read strictly, and whose cookies are read in one pass."""

    @property
    def cookies(self) -> Mapping[str, str]:
        """Return all cookies; of a name that was sent several times, the first."""
        kept: Mapping[str, str] | None = self._cache.get("cookies")
        if kept is None:
            kept = self._cache["cookies"] = MappingProxyType(
                parse_cookies(self._headers.getall(hdrs.COOKIE, ()))
            )
        return kept

    async def text(self) -> str:
        """Return the body as text.

        Raises:
            UnsupportedMediaType: Its encoding is none that text is sent in.
            MalformedText: It is not in its encoding.
        """
        body, charset = await self.read(), self._known_charset()
        try:
            return body.decode(charset)
        except ValueError as error:
            raise MalformedText(f"The body is not {charset.upper()}.") from error

    async def json(self, *, loads: Callable[[str], Any] = DEFAULT_JSON_DECODER) -> Any:
        """Return what the body says in JSON.

        Args:
            loads: Reads it in another way than the framework.

        Raises:
            UnsupportedMediaType: Its encoding is none that text is sent in.
            NotJSON: It is not JSON, or is beyond the limits that `framework.validation.json` has.
        """
        if loads is not DEFAULT_JSON_DECODER:
            try:
                return loads(await self.text())
            except (json.JSONDecodeError, RecursionError) as error:
                raise NotJSON("The body is not JSON.") from error
        is_utf_8 = self._known_charset() in ("utf-8", "utf8")
        body = await self.read() if is_utf_8 else (await self.text()).encode(errors="surrogatepass")
        try:
            return validation.decode(body)
        except validation.MalformedJSON as error:
            raise NotJSON(str(error)) from error

    async def multipart(self) -> Multipart:
        """Return what reads the body part by part.

        Raises:
            UnsupportedMediaType: It is no multipart body.
            MalformedForm: Its boundary cannot be used.
        """
        limits = self._protocol.config.service.form  # type: ignore[attr-defined] # a Connection of ours
        return multipart_of(self._headers, self._payload, limits, self._client_max_size)

    async def post(self) -> MultiDictProxy[str | bytes | bytearray | web.FileField]:
        """Return the fields of a form; none if the body is something else.

        Raises:
            MalformedBody: The form cannot be read, or has too many fields, files or parts.
            ContentTooLarge: It is longer than the endpoint's limit.
        """
        if self._post is None and self._method in self.POST_METHODS and self.content_type == URLENCODED:
            body = await self.read()
            pairs = parse_urlencoded(body.rstrip(), self._client_max_fields, self._known_charset())
            self._post = MultiDictProxy(MultiDict(pairs))
            return self._post
        with explained():
            return await super().post()

    def _known_charset(self) -> str:
        charset = find_charset(self.charset)
        if charset is None:
            raise UnsupportedMediaType(
                self._headers.get(hdrs.CONTENT_TYPE, ""), [f"{self.content_type}; charset=utf-8"]
            )
        return charset
