"""Forms as ``application/x-www-form-urlencoded``."""

from __future__ import annotations

from urllib.parse import parse_qsl

from framework.errors import MalformedBody


def parse_urlencoded(body: bytes, most: int, charset: str = "utf-8") -> list[tuple[str, str]]:
    """Return the names and values of a form.

    Args:
        most: The number of fields that it may have.
        charset: What its text is written in.

    Raises:
        MalformedBody: It has more fields, or is not written in this charset.
    """
    if body.count(b"&") >= most:
        raise MalformedBody(f"The form has more than {most} fields.")
    try:
        return parse_qsl(body.decode(charset), keep_blank_values=True, encoding=charset, errors="strict")
    except ValueError as error:
        raise MalformedBody(f"The form is not {charset.upper()}.") from error
