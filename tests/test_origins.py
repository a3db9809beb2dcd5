"""Which origins a service has to do with."""

from __future__ import annotations

import pytest

from framework.errors import ConfigurationError
from framework.http.origins import origins_from

COVERED = [
    ("https://example.com", "https://example.com"),
    ("https://Example.COM", "https://example.com"),
    ("https://example.com:443", "https://example.com"),
    ("http://example.com:080", "http://example.com"),
    ("http://localhost:3000", "http://localhost:3000"),
    ("http://[::1]:8080", "http://[::1]:8080"),
    ("https://*.example.com", "https://shop.example.com"),
    ("https://*.example.com:8443", "https://a-b.example.com:8443"),
    ("http://localhost:*", "http://localhost"),
    ("http://localhost:*", "http://localhost:5173"),
    ("chrome-extension://abcdef", "chrome-extension://abcdef"),
]


@pytest.mark.parametrize(("written", "origin"), COVERED)
def test_an_origin_is_known_as_browsers_write_it(written: str, origin: str) -> None:
    assert origin in origins_from([written])


STRANGE = [
    ("https://example.com", "http://example.com"),
    ("https://example.com", "https://example.com:8443"),
    ("https://example.com", "https://example.com.evil.test"),
    ("https://example.com", "https://evil-example.com"),
    ("https://example.com", "https://EXAMPLE.com"),
    ("https://example.com", "null"),
    ("https://*.example.com", "https://example.com"),
    ("https://*.example.com", "https://a.b.example.com"),
    ("https://*.example.com", "https://evil.test/.example.com"),
    ("https://*.example.com", "https://evil.test?.example.com"),
    ("https://*.example.com", "https://evil.test#.example.com"),
    ("https://*.example.com", "https://user@shop.example.com"),
    ("https://*.example.com", "https://shop.example.com.evil.test"),
    ("https://*.example.com", "https://shopXexample.com"),
    ("https://*.example.com", "https://shop.exampleXcom"),
    ("https://*.example.com", "https://shop.example.com\n"),
    ("https://*.example.com", "https://.example.com"),
    ("https://*.example.com", "https://*.example.com"),
    ("https://*.example.com", "http://shop.example.com"),
    ("https://*.example.com", "null"),
    ("http://localhost:*", "http://localhost.evil.test"),
    ("http://localhost:*", "http://localhost:80@evil.test"),
    ("http://localhost:*", "https://localhost:80"),
]


@pytest.mark.parametrize(("written", "origin"), STRANGE)
def test_an_origin_that_only_looks_like_a_known_one_is_a_stranger(written: str, origin: str) -> None:
    assert origin not in origins_from([written])


@pytest.mark.parametrize(
    "written",
    [
        "*",
        "null",
        "",
        "example.com",
        "//example.com",
        "https://",
        "https://example.com/",
        "https://example.com/path",
        "https://user@example.com",
        "https://example.com:port",
        "https://bücher.example",
        "https://ex*mple.com",
        "https://*.*.example.com",
        "https://shop.*.com",
        "https://*",
        "https://*.com",
        "https://a..b",
    ],
)
def test_what_is_no_origin_is_refused_when_the_service_is_made(written: str) -> None:
    with pytest.raises(ConfigurationError):
        origins_from([written])
