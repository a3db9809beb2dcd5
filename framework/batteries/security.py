"""Security: the response headers that make a browser careful (OWASP Secure Headers, REST Security)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web
from multidict import CIMultiDict, istr

from framework.adapters.aiohttp.responses import exchange
from framework.battery import Battery, Facts, Stamp
from framework.context import NONCE, PRINCIPAL
from framework.errors import ConfigurationError

Headers = tuple[tuple[istr, str], ...]

_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_PAGE_POLICY = (
    "default-src 'self'; script-src 'self'{nonce}; style-src 'self'{nonce}; img-src 'self' data:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_PERMISSIONS = ("camera", "geolocation", "microphone", "payment", "usb")

_CONTENT_TYPE = istr("Content-Type")
_CONTENT_SECURITY_POLICY = istr("Content-Security-Policy")
_CACHE_CONTROL = istr("Cache-Control")


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """The limits of what browsers may do with responses; an empty text leaves its header out.

    Attributes:
        behind_tls: Whether clients come over TLS that ends before this service; HSTS goes out then too.
        hsts_age: How long browsers keep to HTTPS; zero for no HSTS.
        hsts_subdomains: Whether that holds for every host below this one.
        page_policy: The Content-Security-Policy of HTML pages; ``{nonce}`` is where a page's own nonce goes.
        api_policy: That of all other answers.
        referrer_policy: What other sites learn of the page that a user comes from.
        opener_policy: Whether windows of other sites keep a handle on a page.
        resource_policy: Which sites may embed an answer.
        permissions_policy: Which of a device's abilities a page may use.
    """

    behind_tls: bool = False
    hsts_age: timedelta = timedelta(days=365)
    hsts_subdomains: bool = False
    page_policy: str = _PAGE_POLICY
    api_policy: str = _API_POLICY
    referrer_policy: str = "strict-origin-when-cross-origin"
    opener_policy: str = "same-origin"
    resource_policy: str = "same-origin"
    permissions_policy: str = ", ".join(f"{ability}=()" for ability in _PERMISSIONS)

    def __post_init__(self) -> None:
        if self.hsts_age < timedelta():
            raise ConfigurationError("The age of HSTS cannot be negative.")
        for name in self.__slots__:
            value = getattr(self, name)
            if isinstance(value, str) and not (value.isascii() and value.isprintable()):
                raise ConfigurationError(
                    f"The header of '{name}' holds characters that no header can: {value!r}."
                )


def hsts(settings: SecuritySettings) -> str:
    """Return the value of Strict-Transport-Security (RFC 6797, 6.1); empty for none."""
    seconds = int(settings.hsts_age.total_seconds())
    if not seconds:
        return ""
    return f"max-age={seconds}{'; includeSubDomains' if settings.hsts_subdomains else ''}"


def common_headers(settings: SecuritySettings) -> Headers:
    """Return the headers of every answer."""
    return _present(
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", settings.referrer_policy),
        ("Cross-Origin-Resource-Policy", settings.resource_policy),
    )


def page_headers(settings: SecuritySettings) -> Headers:
    """Return the further headers of HTML pages; nothing but a page has windows and abilities."""
    return _present(
        ("Cross-Origin-Opener-Policy", settings.opener_policy),
        ("Permissions-Policy", settings.permissions_policy),
    )


def _present(*headers: tuple[str, str]) -> Headers:
    return tuple((istr(name), value) for name, value in headers if value)


class PagePolicy:
    """The Content-Security-Policy of pages, with a nonce for those that have one (CSP Level 3)."""

    def __init__(self, template: str) -> None:
        self._parts = template.split("{nonce}")
        self._plain = "".join(self._parts)

    def value(self, nonce: str | None) -> str:
        """Return the header's value."""
        return self._plain if nonce is None else f" 'nonce-{nonce}'".join(self._parts)


def battery(settings: SecuritySettings | None = None) -> Battery:
    """Return the battery that sets the headers; one that a handler has set stays as it is."""
    return Battery(
        name="security",
        after=frozenset({"problems"}),
        stamp=_stamp(settings or SecuritySettings()),
        stamp_facts=lambda endpoint: Facts(kept=(PRINCIPAL,)),
    )


def _stamp(settings: SecuritySettings) -> Stamp:
    page_policy = PagePolicy(settings.page_policy)
    common, policy = common_headers(settings), _present((_CONTENT_SECURITY_POLICY, settings.api_policy))
    pages = CIMultiDict([*common, *page_headers(settings)])
    others = CIMultiDict([*common, *policy])
    transport = CIMultiDict(_present(("Strict-Transport-Security", hsts(settings))))
    always_tls = settings.behind_tls

    def stamp(request: web.Request, response: web.StreamResponse) -> None:
        _, headers, kept, is_over_tls = exchange(request, response)
        if headers.get(_CONTENT_TYPE, "").startswith("text/html"):
            headers.merge(pages)
            policy = page_policy.value(request.get(NONCE))
            if policy:
                headers.setdefault(_CONTENT_SECURITY_POLICY, policy)
        else:
            headers.merge(others)  # PERF: all that are not there yet, at once
        if always_tls or is_over_tls:
            headers.merge(transport)
        if PRINCIPAL in kept:
            headers.setdefault(_CACHE_CONTROL, "no-store")

    return stamp
