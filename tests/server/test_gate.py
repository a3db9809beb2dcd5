"""The decision of the gate, given a head; most of these no parser in C would even let through."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.http import HttpVersion
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from framework.server.request_checks import awaits_continue, find_refusal, is_authority


@dataclass(frozen=True)
class Head:
    """Be what a lenient parser has made of a request."""

    path: str = "/"
    method: str = "POST"
    version: HttpVersion = HttpVersion11
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        return CIMultiDictProxy(CIMultiDict({"Host": "a"} | self.fields))

    @property
    def url(self) -> URL:
        return URL(self.path, encoded=True)


REFUSED: dict[str, tuple[Head, int]] = {
    "target-outside-ascii": (Head("/\u00e4"), 400),
    "target-with-fragment": (Head("/#a"), 400),
    "target-relative": (Head("a"), 400),
    "target-other-scheme": (Head("ftp://a/"), 400),
    "content-length-too": (Head(fields={"Transfer-Encoding": "chunked", "Content-Length": "1"}), 400),
    "chunked-in-http-1.0": (Head(version=HttpVersion10, fields={"Transfer-Encoding": "chunked"}), 400),
    "coding-empty": (Head(fields={"Transfer-Encoding": ""}), 400),
    "coding-outside-ascii": (Head(fields={"Transfer-Encoding": "chun\u212aed"}), 400),
    "coding-unknown": (Head(fields={"Transfer-Encoding": "gzip"}), 501),
    "coding-twice": (Head(fields={"Transfer-Encoding": "chunked, chunked"}), 501),
    "version-3": (Head(version=HttpVersion(3, 0)), 505),
}


@pytest.mark.parametrize(("head", "status"), REFUSED.values(), ids=REFUSED.keys())
def test_a_head_that_means_two_things_is_refused(head: Head, status: int) -> None:
    problem = find_refusal(head, has_body=True)

    assert problem is not None
    assert problem.status == status
    assert problem.detail


@pytest.mark.parametrize("fields", [{}, {"Transfer-Encoding": "CHUNKED"}, {"Content-Length": "1"}], ids=str)
def test_a_head_that_means_one_thing_is_not(fields: dict[str, str]) -> None:
    assert find_refusal(Head(fields=fields), has_body=True) is None


@pytest.mark.parametrize("value", ["a", "a.b-c_d.", "127.0.0.1:0", "[::1]", "[::ffff:1.2.3.4]:65535", "A:"])
def test_a_name_or_an_address_with_a_port_or_none_is_an_authority(value: str) -> None:
    assert is_authority(value)


@pytest.mark.parametrize("value", ["", ":", "a:65536", "a:000000", "[]", "[::1]a", "a\n", "a;b", "%61"])
def test_anything_else_is_not(value: str) -> None:
    assert not is_authority(value)


@pytest.mark.parametrize(("version", "expected"), [(HttpVersion11, True), (HttpVersion10, False)])
def test_only_a_client_of_our_version_waits_to_be_asked(version: HttpVersion, expected: bool) -> None:
    head = Head(version=version, fields={"Expect": "100-continue"})

    assert awaits_continue(head) is expected
