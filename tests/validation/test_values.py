"""Values that generated source checks or makes in another way than marshmallow does."""

from __future__ import annotations

import copy
import itertools
import pickle
import re
import uuid
import weakref
from dataclasses import make_dataclass
from typing import Annotated, Any

import orjson
import pytest
from marshmallow import Schema, ValidationError, fields, validate

from framework.validation import compile
from framework.validation.codecs.uuids import uuid_from_text

TEXTS = ["", *("".join(each) for size in (1, 2, 3, 4) for each in itertools.product("aB-\n", repeat=size))]


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(re.compile(r"^[a-z]{2}$"), id="anchored"),
        pytest.param(re.compile(r"a|B-"), id="alternatives"),
        pytest.param(re.compile(r""), id="empty"),
        pytest.param(re.compile(r"(?i)^a+b"), id="flags within"),
        pytest.param(re.compile(r"^A+b", re.IGNORECASE), id="flags beside"),
        pytest.param(re.compile(r"a$", re.MULTILINE), id="lines"),
        pytest.param(re.compile(r"a.B", re.DOTALL), id="any character"),
        pytest.param(re.compile(r"a  # the first", re.VERBOSE), id="comments"),
        pytest.param(re.compile(r"(?P<one>a|B)-?(?P=one)"), id="back references"),
        pytest.param(re.compile(r"(a)?(?(1)B|-)"), id="conditions"),
        pytest.param(re.compile(r"(?<!a)B(?!-)"), id="look around"),
        pytest.param(re.compile(r"(?!a)"), id="look ahead alone"),
        pytest.param(re.compile(r"\("), id="an escaped parenthesis"),
    ],
)
def test_a_pattern_takes_just_what_it_takes_in_marshmallow(pattern: re.Pattern[str]) -> None:
    class Holder(Schema):
        text = fields.String(required=True, validate=validate.Regexp(pattern))

    load, load_json = compile(Holder).load, compile(Holder).load_json

    for text in TEXTS:
        expected = pattern.match(text) is not None
        assert _loads(load, {"text": text}) is expected
        assert _loads(load_json, orjson.dumps({"text": text})) is expected


def _loads(load: Any, data: Any) -> bool:
    try:
        load(data)
    except ValidationError:
        return False
    return True


def test_a_uuid_that_was_read_is_like_any_other() -> None:
    expected = uuid.UUID("5a9f8f66-9d0a-4b3c-9c46-0c4c4e6d1b11")
    holder = make_dataclass("holder", [("id", uuid.UUID)])

    read = compile(holder).load_json(b'{"id": "5a9f8f66-9d0a-4b3c-9c46-0c4c4e6d1b11"}').id

    assert type(read) is uuid.UUID
    assert (read, hash(read), repr(read), read.is_safe) == (
        expected,
        hash(expected),
        repr(expected),
        expected.is_safe,
    )
    assert pickle.loads(pickle.dumps(read)) == copy.deepcopy(read) == expected
    assert weakref.ref(read)() is read
    with pytest.raises(TypeError, match="immutable"):
        setattr(read, "int", 1)  # noqa: B010 - a checker of types would not let it pass


@pytest.mark.parametrize("text", ["{%s}", "urn:uuid:%s", "%s0", "+%s", " %s", "%s-", "--%s"])
def test_other_spellings_of_a_uuid_are_read_as_marshmallow_reads_them(text: str) -> None:
    holder = make_dataclass("holder", [("id", uuid.UUID), ("n", Annotated[int, validate.Range(1)])])
    spelt = text % "5a9f8f66-9d0a-4b3c-9c46-0c4c4e6d1b11"
    load, load_json = compile(holder).load, compile(holder).load_json
    data = {"id": spelt, "n": 1}

    try:
        expected = uuid.UUID(spelt)
    except ValueError:
        assert not _loads(load, data)
        assert not _loads(load_json, orjson.dumps(data))
    else:
        assert load(data).id == load_json(orjson.dumps(data)).id == expected


@pytest.mark.parametrize("spelling", ["%s", "-%s", "%s--"])
def test_a_uuid_is_read_without_the_class_itself(spelling: str) -> None:
    text = spelling % "5A9f8f66-9d0a-4b3c-9c46-0c4c4e6d1b11"

    assert uuid_from_text(text) == uuid.UUID(text)


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_an_escaped_nul_is_refused(kind: Any) -> None:
    load_json: Any = compile(make_dataclass("holder", [("text", str)])).load_json

    with pytest.raises(ValidationError):
        load_json(kind(b'{"text": "\\u0000"}'))
