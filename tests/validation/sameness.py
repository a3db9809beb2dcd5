"""Compare what the compiled functions and marshmallow make of the same values."""

from __future__ import annotations

import copy
import math
import re
from typing import Any

import orjson
from marshmallow import Schema, ValidationError

from framework.validation import MalformedJSON, decode
from framework.validation.compiler.compiled import CompiledSchema
from framework.validation.compiler.support import close_circles
from framework.validation.json import encode
from framework.validation.limits import limit
from tests.validation.random_schemas import Thing


def capped(schema: Schema) -> Schema:
    """Put the same caps on the fields of an instance that marshmallow alone will use."""
    for each in close_circles(schema):
        for field in each.fields.values():
            limit(field)
    return schema


def assert_loads_the_same(compiled: CompiledSchema, schema: Schema, raw: Any) -> None:
    """Load a value as data and, if it can be said in JSON, as a document."""
    theirs = copy.deepcopy(raw)
    assert_same(outcome(compiled.load, raw), outcome(schema.load, theirs), theirs)
    try:
        body = orjson.dumps(theirs)
    except TypeError:
        return
    assert_same(outcome(compiled.load_json, body), outcome(lambda: schema.load(decode(body))), body)


def assert_dumps_the_same(compiled: CompiledSchema, schema: Schema, own: Any) -> None:
    """Dump a value to data and to a document."""
    about = vars(own) if isinstance(own, Thing) else own
    assert_same(outcome(compiled.dump, own), outcome(schema.dump, own), about)
    assert_same(outcome(compiled.dump_json, own), outcome(lambda: encode(schema.dump(own))), about)


def assert_same(one: tuple[str, Any], other: tuple[str, Any], about: Any) -> None:
    assert same(one, other), f"{about!r}\n  compiled: {one}\n  marshmallow: {other}"


def outcome(function: Any, *args: Any) -> tuple[str, Any]:
    """What a call returned, refused or raised."""
    try:
        return "returned", function(*args)
    except ValidationError as error:
        return "refused", error.messages
    except MalformedJSON as error:
        return "malformed", str(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, both must raise it
        return "raised", type(error)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return repr(one) == repr(other) or (math.isnan(one) and math.isnan(other))
    # NaN, and the method that marshmallow finds on a dict where a key like `items` is missing.
    return bool(one == other) or re.sub("0x[0-9a-f]+", "", repr(one)) == re.sub(
        "0x[0-9a-f]+", "", repr(other)
    )
