"""Web origins (RFC 6454): which of them a service has to do with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from framework.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_ORIGIN = re.compile(
    rf"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<any_label>\*\.)?(?P<host>(?:{_LABEL}\.)*{_LABEL}|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}|\*))?"
)


@dataclass(frozen=True, slots=True)
class Origins:
    """Origins by name or by pattern.

    Attributes:
        exact: Origins as browsers write them.
        patterns: What matches a whole origin.
    """

    exact: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()

    def __contains__(self, origin: str) -> bool:
        """Tell whether an ``Origin`` header is one of them; ``null`` never is."""
        return origin in self.exact or any(pattern.fullmatch(origin) for pattern in self.patterns)


def own_origins(scheme: str, host: str) -> tuple[str, str]:
    """Return a service's origin as browsers write it, and the secure one of that name.

    Where a proxy ends TLS the service sees ``http`` and the browser ``https``; the secure page of one's own name is no
    stranger.

    Args:
        host: As in the header ``Host``.
    """
    name = host.lower()
    default = _DEFAULT_PORTS.get(scheme)
    return (
        f"{scheme}://{name if default is None else name.removesuffix(f':{default}')}",
        f"https://{name.removesuffix(':443')}",
    )


def origins_from(texts: Iterable[str]) -> Origins:
    """Read origins such as ``https://example.com``, and patterns of them.

    ``https://*.example.com`` stands for one more label in front, ``http://localhost:*`` for any port.

    Raises:
        ConfigurationError: One is no origin, or so wide that strangers may come under it.
    """
    exact: set[str] = set()
    patterns: list[re.Pattern[str]] = []
    for text in texts:
        match = _matched(text)
        if match["any_label"] or match["port"] == "*":
            patterns.append(_pattern(match))
        else:
            exact.add(_serialised(match))
    return Origins(frozenset(exact), tuple(patterns))


def _matched(text: str) -> re.Match[str]:
    match = _ORIGIN.fullmatch(text.strip().lower())
    if match is None:
        raise ConfigurationError(
            f"{text[:200]!r} is no origin: write scheme, host and port alone, as in https://example.com (with no "
            "'/' behind it, and in ASCII); a '*' stands for one whole label in front, or for the port."
        )
    if match["any_label"] and "." not in match["host"]:
        raise ConfigurationError(f"{text!r} is too wide: anybody may have a name under it.")
    return match


def _serialised(match: re.Match[str]) -> str:
    """Return an origin as browsers write it: in lower case, without the scheme's own port."""
    return f"{match['scheme']}://{match['host']}{_port(match)}"


def _port(match: re.Match[str]) -> str:
    port = int(match["port"]) if match["port"] else None
    return "" if port in {None, _DEFAULT_PORTS.get(match["scheme"])} else f":{port}"


def _pattern(match: re.Match[str]) -> re.Pattern[str]:
    label = rf"{_LABEL}\." if match["any_label"] else ""
    port = "(?::[0-9]{1,5})?" if match["port"] == "*" else _port(match)
    return re.compile(rf"{match['scheme']}://{label}{re.escape(match['host'])}{port}")
