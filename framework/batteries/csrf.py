"""Refuse what other sites make a browser send (CSRF): by where a request comes from, or else by a token.

Browsers say where a request comes from, in ``Sec-Fetch-Site`` or at least in ``Origin``, so pages work without tokens
there. A token decides only about a client that says neither and has a session. It comes in a header or in a form's
field; in a multipart form the field is looked at when the form is read for the handler's ``form``.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Container, MutableMapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any, ClassVar

from aiohttp import hdrs, web
from aiohttp_session import STORAGE_KEY, Session, get_session
from multidict import CIMultiDictProxy

from framework.battery import Battery, Handler, Middleware
from framework.binding.forms import MULTIPART, URLENCODED, read_form
from framework.context import (
    CREDENTIAL_COOKIES,
    CSRF_CHECK,
    CSRF_FIELD,
    CSRF_TOKEN,
    FORM_LIMITS,
    SESSION_CSRF,
)
from framework.endpoint import Endpoint, Mark, Source
from framework.errors import Forbidden
from framework.forms import FormLimits
from framework.http import base64url
from framework.http.cookies import parse_cookies
from framework.http.origins import Origins, origins_from, own_origins

_SAFE = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS, hdrs.METH_TRACE})
_AUTHORIZATION = hdrs.AUTHORIZATION
_SITE = "Sec-Fetch-Site"
_OUR_SITES = frozenset({"same-origin", "none"})
_AMBIENT = frozenset({"basic", "digest", "negotiate", "ntlm"})
_SECRET_BYTES = 32
# What a page can send without a script.
_FORMS = frozenset({URLENCODED, MULTIPART, "text/plain"})

Headers = CIMultiDictProxy[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrfSettings:
    """The pages that may send what changes things.

    Attributes:
        trusted_origins: Other origins, or patterns of them as for CORS, that may do what our own pages may.
        header: Where scripts put the token.
        open_to_scripts: Scripts of any origin may send what brings no cookie, as CORS with ``*`` tells them; forms may
            not, for a sign-in in somebody else's name would be kept.
    """

    trusted_origins: tuple[str, ...] = ()
    header: str = "X-CSRF-Token"
    open_to_scripts: bool = False

    def __post_init__(self) -> None:
        origins_from(self.trusted_origins)


@dataclass(frozen=True, slots=True)
class Exempt(Mark):
    """The mark of an endpoint that may be sent to from anywhere, for it asks for a proof of its own."""

    battery: ClassVar[str | None] = "csrf"


exempt = Exempt()
"""Let other sites send to the endpoint, such as a provider of identities that posts its answer: ``@csrf.exempt``."""


class Verdict(Enum):
    """The fate of a request that changes things."""

    PASS = "pass"  # noqa: S105 - no password
    ASK = "ask for a token if there is a session"
    REFUSE = "refuse"


def verdict(
    *, authorization: str | None, site: str | None, origin: str | None, own: Container[str], trusted: Origins
) -> Verdict:
    """Decide by the headers about a request that changes things.

    Args:
        authorization, site, origin: The headers ``Authorization``, ``Sec-Fetch-Site`` and ``Origin``.
        own: Our own origin, in each way that the client may see it.
    """
    if authorization is not None and authorization.partition(" ")[0].lower() not in _AMBIENT:
        # A page of another site cannot set this header unless CORS lets it; what a browser adds by itself is ambient.
        return Verdict.PASS
    if origin is not None and origin in trusted:
        return Verdict.PASS
    if site is not None:
        return Verdict.PASS if site in _OUR_SITES else Verdict.REFUSE
    if origin is not None:
        return Verdict.PASS if origin in own else Verdict.REFUSE
    return Verdict.ASK


def make_token(session: MutableMapping[str, Any]) -> str:
    """Return a token for the session; each is another text, so that compressed pages do not give it away (BREACH)."""
    secret = session.get(SESSION_CSRF)
    if not isinstance(secret, str):
        secret = session[SESSION_CSRF] = _text(secrets.token_bytes(_SECRET_BYTES))
    mask = secrets.token_bytes(_SECRET_BYTES)
    return _text(mask + _mixed(mask, _bytes(secret)))


def is_token(token: str | None, session: MutableMapping[str, Any]) -> bool:
    """Tell whether a token was made for this session; it takes as long for a wrong one as for the right one."""
    secret = session.get(SESSION_CSRF)
    if not isinstance(secret, str) or token is None:
        return False
    given = _bytes(token)
    mask, masked = given[:_SECRET_BYTES], given[_SECRET_BYTES:]
    return len(given) == 2 * _SECRET_BYTES and secrets.compare_digest(_mixed(mask, masked), _bytes(secret))


def _mixed(mask: bytes, value: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(mask, value, strict=True))


def _text(value: bytes) -> str:
    return base64url.encode(value)


def _bytes(text: str) -> bytes:
    try:
        return base64url.decode(text)
    except ValueError:
        return b""


def is_harmless(headers: Headers) -> bool:
    """Tell whether a request comes from a script and brings nothing that a browser adds by itself."""
    mode = headers.get("Sec-Fetch-Mode")
    media_type = headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    is_script = media_type not in _FORMS if mode is None else mode == "cors"
    return is_script and hdrs.COOKIE not in headers and hdrs.AUTHORIZATION not in headers


def battery(settings: CsrfSettings | None = None) -> Battery:
    """Bring the guard against requests that other sites make a browser send."""
    settings = settings or CsrfSettings()
    trusted = origins_from(settings.trusted_origins)

    def plan(endpoint: Endpoint) -> Middleware | None:
        if not endpoint.matched or endpoint.method in _SAFE or endpoint.find(Exempt):
            return None
        reads_form = endpoint.parameter(Source.FORM) is not None
        guard = _Guard(trusted, settings.header, reads_form, settings.open_to_scripts)
        return guard.middleware()

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        app[CSRF_TOKEN] = make_token

    def problems(endpoint: Endpoint) -> tuple[int, ...]:
        return () if plan(endpoint) is None else (403,)

    return Battery(
        name="csrf",
        after=frozenset({"problems", "cors", "sessions"}),
        plan=plan,
        problems=problems,
        setup=setup,
    )


@dataclass(frozen=True, slots=True)
class _Guard:
    """The guard of one endpoint.

    Attributes:
        reads_form: The endpoint's handler takes a form, so the token can be looked at when it is read.
    """

    trusted: Origins
    header: str
    reads_form: bool
    open_to_scripts: bool

    def middleware(self) -> Middleware:
        """Return what lets a request pass or not."""
        judge = self._judge

        def guard(request: web.Request, handler: Handler) -> Awaitable[web.StreamResponse]:
            authorization = request.headers.get(_AUTHORIZATION)
            # PERF: `_judge` would say the same, but our own origin would have to be put together for it.
            if authorization is not None and authorization.startswith("Bearer "):
                return handler(request)
            if request.method in _SAFE:
                return handler(request)
            return judge(request, handler, authorization)

        return guard

    async def _judge(
        self, request: web.Request, handler: Handler, authorization: str | None
    ) -> web.StreamResponse:
        """Let a request pass or not.

        Raises:
            Forbidden: It comes from another site, or its token is missing or wrong.
        """
        headers = request.headers
        decided = verdict(
            authorization=authorization,
            site=headers.get(_SITE),
            origin=headers.get(hdrs.ORIGIN),
            own=own_origins(request.scheme, request.host),
            trusted=self.trusted,
        )
        if decided is Verdict.REFUSE and not (self.open_to_scripts and is_harmless(headers)):
            raise Forbidden("This request comes from another site.")
        cookies = request.app.get(CREDENTIAL_COOKIES) if decided is Verdict.ASK else None
        if cookies and not cookies.isdisjoint(parse_cookies(headers.getall(hdrs.COOKIE, ()))):
            # No token can be bound to such a cookie, and nothing else says where the request comes from.
            raise Forbidden(
                "Send Origin or Sec-Fetch-Site with this cookie: what comes from other sites is refused."
            )
        if decided is Verdict.ASK and hdrs.COOKIE in headers and STORAGE_KEY in request:
            await self._ask(request, await get_session(request))
        return await handler(request)

    async def _ask(self, request: web.Request, session: Session) -> None:
        """Ask for the token, unless there is no session that a stranger could misuse."""
        if session.empty:
            return
        token = request.headers.get(self.header)
        if token is None and self.reads_form and request.content_type in {URLENCODED, MULTIPART}:
            check: Callable[[str | None], None] = partial(self._ensure, session)
            request[CSRF_CHECK] = check
            return
        if token is None and request.content_type == URLENCODED:
            field = (await read_form(request, request.config_dict.get(FORM_LIMITS) or FormLimits())).get(
                CSRF_FIELD
            )
            token = field if isinstance(field, str) else None
        self._ensure(session, token)

    def _ensure(self, session: Session, token: str | None) -> None:
        if not is_token(token, session):
            raise Forbidden(
                f"The token is missing or stale: reload the page, or send {self.header} or a field {CSRF_FIELD}."
            )
