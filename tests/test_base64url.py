"""Base64 in its form for addresses and tokens."""

from __future__ import annotations

import pytest

from framework.http import base64url


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xfb\xff\xfe" * 9], ids=repr)
def test_what_is_encoded_is_decoded_with_padding_and_without(data: bytes) -> None:
    text = base64url.encode(data)
    padded = text + "=" * (-len(text) % 4)

    assert base64url.decode(text) == base64url.decode(padded) == data
    assert not {*text} & {*"+/="}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("ab+c", id="the standard alphabet's plus"),
        pytest.param("ab/c", id="the standard alphabet's slash"),
        pytest.param("a", id="no bytes have this length"),
        pytest.param("ab c", id="a space"),
        pytest.param("ab\n", id="a line break"),
        pytest.param("a=bc", id="padding inside"),
        pytest.param("abc==", id="too much padding"),
        pytest.param("äbcd", id="not ASCII"),
    ],
)
def test_whatever_is_not_base64url_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are Python's
        base64url.decode(text)
