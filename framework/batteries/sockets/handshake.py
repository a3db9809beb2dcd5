"""Whether a request may become a WebSocket (RFC 6455, 4.2)."""

from __future__ import annotations

import re
from typing import ClassVar

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from framework.errors import BadRequest, Forbidden, ServiceError
from framework.http.origins import Origins, own_origins

# 16 bytes in base64
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")

Headers = CIMultiDictProxy[str] | CIMultiDict[str]


class UpgradeRequired(ServiceError):
    """The refusal of what is no WebSocket where nothing else is spoken (RFC 9110, 15.5.22)."""

    status: ClassVar[int] = 426

    def __init__(self) -> None:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        super().__init__("Connect with the WebSocket protocol, version 13.", headers=headers)


def ensure_handshake(method: str, headers: Headers) -> None:
    """Check that a client asks for a WebSocket in the way that it is written down.

    Raises:
        UpgradeRequired: It asks for something else, or for another version.
        BadRequest: It asks in the wrong way.
    """
    upgrade = headers.get(hdrs.UPGRADE, "").strip().lower()
    connection = {token.strip().lower() for token in headers.get(hdrs.CONNECTION, "").split(",")}
    if method != hdrs.METH_GET or upgrade != "websocket" or "upgrade" not in connection:
        raise UpgradeRequired
    if headers.get(hdrs.SEC_WEBSOCKET_VERSION, "").strip() != "13":
        raise UpgradeRequired
    # NOTE: aiohttp fails with an error of its own at a key that is not ASCII.
    if not _KEY.fullmatch(headers.get(hdrs.SEC_WEBSOCKET_KEY, "")):
        raise BadRequest("Sec-WebSocket-Key is not 16 bytes in base64 (RFC 6455, 4.1).")


def ensure_origin(headers: Headers, host: str, allowed: Origins) -> None:
    """Check that no page of a stranger connects with somebody's cookies.

    Browsers let any page open a WebSocket to anywhere and always say which page it is; a program that says nothing has
    no cookies but its own. The scheme of the service's own origin is left open: behind a proxy it is not known.

    Args:
        headers: Those of the handshake.
        host: The service's own host, with its port if it is not the usual one.
        allowed: Other origins.

    Raises:
        Forbidden: The page is from elsewhere.
    """
    origins = headers.getall(hdrs.ORIGIN, ())
    if not origins:
        return
    origin = origins[0].lower()
    if len(origins) > 1 or not (origin in allowed or origin in own_origins("http", host)):
        raise Forbidden("Pages of this origin may not connect here.")
