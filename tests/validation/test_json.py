"""Strict JSON."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from marshmallow import Schema, fields

from framework.validation import MalformedJSON, compile, decode, encode


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b'{"a": 1,}', "trailing comma"),
        (b"{'a': 1}", "line 1, column 2"),
        (b'{\n"a": nope}', "line 2"),
        (b"NaN", "line 1, column 1"),
        (b"[Infinity]", "column 2"),
        (b"1e400", "infinity"),
        (b'"\\ud800"', "surrogate"),
        (b'"\xff"', "UTF-8"),
        ("{}".encode("utf-16"), "UTF-8"),
        ("{}".encode("utf-16-le"), "UTF-8"),
        (b'{"a": 18446744073709551616}', "line 1, column 7"),
        (b'{"a": "1",\n"b": -9223372036854775809}', "line 2, column 6"),
        (b"[" * 65 + b"]" * 65, "64 levels"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "64 levels"),
        (b"[" * 2000 + b"]" * 2000, "depth"),
    ],
)
def test_what_is_not_plain_json_is_refused_with_a_reason(body: bytes, words: str) -> None:
    with pytest.raises(MalformedJSON) as caught:
        decode(body)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"18446744073709551615", 2**64 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b'"18446744073709551616"', "18446744073709551616"),
        (b"1844674407370955161600.0", 1844674407370955161600.0),
        (b"123456789012345678901e2", 1.23456789012345678901e22),
        (b"[" * 64 + b"]" * 64, None),
        (b"[" + b",".join([b"{}"] * 100) + b"]", [{}] * 100),
    ],
    ids=[
        "BOM",
        "last key",
        "u64",
        "i64",
        "digits in text",
        "float",
        "exponent",
        "64 levels",
        "many brackets",
    ],
)
def test_what_is_within_the_limits_is_read(body: bytes, value: Any) -> None:
    decoded = decode(body)

    assert value is None or decoded == value


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (Decimal("1E+2"), b'"100"'),
        (UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
        (date(2024, 1, 2), b'"2024-01-02"'),
        (datetime(2024, 1, 2, tzinfo=UTC), b'"2024-01-02T00:00:00+00:00"'),
        (time(1, 2, tzinfo=UTC), b'"01:02:00+00:00"'),
        (time(1, 2, 3, 10_000), b'"01:02:03.010000"'),
        (timedelta(seconds=1.5), b"1.5"),
        ({1: {2}}, b'{"1":[2]}'),
    ],
)
def test_values_are_written_as_marshmallow_writes_them(value: Any, body: bytes) -> None:
    assert encode(value) == body


def test_what_json_cannot_say_is_an_error() -> None:
    with pytest.raises(TypeError):
        encode(object())


@pytest.mark.parametrize(
    "field",
    [fields.Raw(), fields.Dict(), fields.List(fields.Raw()), fields.Nested({"deep": fields.Raw()})],
    ids=["raw", "dict", "list", "nested"],
)
def test_a_time_that_no_field_announced_keeps_all_its_digits(field: fields.Field[Any]) -> None:
    moment = time(1, 2, 3, 10_000)
    value = [moment] if isinstance(field, fields.List) else {"deep": moment}
    schema = Schema.from_dict({"value": field, "day": fields.Date()})()

    assert b'"01:02:03.010000"' in compile(schema).dump_json({"value": value, "day": date(2024, 1, 2)})
