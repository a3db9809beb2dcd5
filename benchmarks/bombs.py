"""What a document that was made to be dear costs: ``python -m benchmarks.bombs`` prints CPU seconds per MB.

Each shape is a body of 1 MB and one of 8 KB, read by ``load_json`` of a schema such as services have. A line above
the promise (0.1 s per MB, 5 ms for 8 KB) is marked, and the exit code is 1.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

from marshmallow import (
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validate,
    validates,
    validates_schema,
)

from framework import validation
from framework.validation import MaxItems

MEGABYTE = 1_000_000
SMALL = 8_000
SECONDS_PER_MEGABYTE = 0.1
SECONDS_FOR_SMALL = 0.005
ROUNDS = 3


@dataclass
class Point:
    x: int
    y: int
    label: str | None = None


@dataclass
class Line:
    sku: Annotated[str, validate.Regexp(r"^[A-Z0-9-]{4,20}$")]
    quantity: Annotated[int, validate.Range(1, 1000)]
    price: Decimal = Decimal(0)


@dataclass
class Order:
    reference: Annotated[str, validate.Length(1, 20)]
    id: uuid.UUID
    ordered_at: dt.datetime
    kind: Literal["retail", "trade"]
    lines: Annotated[list[Line], MaxItems(1_000_000)]


@dataclass
class Node:
    name: str
    children: list[Node] = field(default_factory=list)


@dataclass
class Table:
    rows: list[list[Point]]


@dataclass
class Cube:
    cells: list[list[list[int]]]


@dataclass
class Bag:
    counts: dict[str, dict[str, int]]


@dataclass
class Contact:
    emails: list[Annotated[str, validate.Email()]]
    links: list[Annotated[str, validate.URL()]]
    ids: list[uuid.UUID]
    moments: list[dt.datetime]
    amounts: list[Decimal]


@dataclass
class Pairs:
    pairs: list[tuple[int, str]]


class Part(Schema):
    code = fields.Integer(required=True)
    name = fields.String(required=True, validate=validate.Length(max=50))


class Hooked(Schema):
    a = fields.Integer(required=True)
    parts = fields.List(fields.Nested(Part))

    @pre_load
    def before(self, data: Any, **_: Any) -> Any:
        return data

    @validates("a")
    def positive(self, value: int, **_: Any) -> None:
        if value < 0:
            raise ValidationError("Negative.")

    @validates_schema
    def whole(self, data: Any, **_: Any) -> None:
        if not data:
            raise ValidationError("Empty.")

    @post_load
    def after(self, data: Any, **_: Any) -> Any:
        return data


class Holder(Schema):
    rows = fields.List(fields.Nested(Hooked, many=True))


class Bomb(NamedTuple):
    """A shape of document.

    Attributes:
        name: What is wrong with it.
        schema: What it is read as.
        make: Makes a body of about so many bytes.
    """

    name: str
    schema: Any
    make: Callable[[int], bytes]


def repeated(before: bytes, each: bytes, after: bytes, size: int, most: int = 10**9) -> bytes:
    """Return a list of like items."""
    count = max(1, min(most, (size - len(before) - len(after)) // (len(each) + 1)))
    return before + b",".join([each] * count) + after


def rows_of(before: bytes, each: bytes, after: bytes) -> Callable[[int], bytes]:
    """Return what makes lists of up to 1,000 items in a list of up to 1,000."""

    def make(size: int) -> bytes:
        row = repeated(b"[", each, b"]", min(size // 2, 1_000 * (len(each) + 1)), 1_000)
        return repeated(before, row, after, size, 1_000)

    return make


def last_wrong(before: bytes, each: bytes, wrong: bytes, after: bytes) -> Callable[[int], bytes]:
    """Return what makes lists of lists of good items, the last of which is wrong."""

    def make(size: int) -> bytes:
        row = repeated(b"[", each, b"]", min(size // 2, 1_000 * (len(each) + 1)), 1_000)
        body = repeated(before, row, b"", size, 999)
        return body + b",[" + wrong + b"]" + after

    return make


def items(before: bytes, each: bytes, after: bytes) -> Callable[[int], bytes]:
    """Return what makes one list."""
    return lambda size: repeated(before, each, after, size)


def members(before: bytes, value: bytes, after: bytes, *, unique: bool = True) -> Callable[[int], bytes]:
    """Return what makes an object of so many keys."""

    def make(size: int) -> bytes:
        count = size // (12 + len(value))
        keys = (b'"k%07d":' % (number if unique else 0) for number in range(count))
        return before + b",".join(key + value for key in keys) + after

    return make


def deep(leaf: Callable[[int], bytes], wrap: tuple[bytes, bytes], levels: int) -> Callable[[int], bytes]:
    """Return what puts a document within so many others."""
    return lambda size: wrap[0] * levels + leaf(size) + wrap[1] * levels


GOOD_LINE = b'{"sku":"ABCD-1","quantity":1}'
HEAD = (
    b'{"reference":"r","id":"8be9f7a4-1c2b-4c59-8d1f-5b1b0f8b9f11",'
    b'"ordered_at":"2024-02-29T12:00:00Z","kind":"trade","lines":['
)
NODE = (b'{"name":"a","children":[', b"]}")
LEAF = b'{"name":"a","children":[]}'


def forest(each: bytes, end: bytes) -> Callable[[int], bytes]:
    """Return what makes a tree three levels high and as broad as may be."""

    def make(size: int) -> bytes:
        inner = repeated(NODE[0], each, NODE[1], min(size // 2, 1_000 * (len(each) + 1)), 1_000)
        return repeated(NODE[0], inner, b"," + end + NODE[1], size, 999)

    return make


def bombs() -> Iterator[Bomb]:
    """Yield the shapes."""
    yield Bomb("missing fields in lists of lists", Table, rows_of(b'{"rows":[', b"{}", b"]}"))
    yield Bomb("wrong types in lists of lists", Table, rows_of(b'{"rows":[', b'{"x":"a","y":[]}', b"]}"))
    yield Bomb("no objects in lists of lists", Table, rows_of(b'{"rows":[', b"1", b"]}"))
    yield Bomb("nulls in lists of lists", Table, rows_of(b'{"rows":[', b"null", b"]}"))
    yield Bomb("unknown field in each object", Table, rows_of(b'{"rows":[', b'{"x":1,"y":1,"z":1}', b"]}"))
    yield Bomb("last of many is wrong", Table, last_wrong(b'{"rows":[', b'{"x":1,"y":2}', b"{}", b"]}"))
    yield Bomb("good rows, then a wrong member", Table, rows_of(b'{"z":1,"rows":[', b'{"x":1,"y":2}', b"]}"))
    yield Bomb("wrong integers, three lists deep", Cube, rows_of(b'{"cells":[[', b'"a"', b"]]}"))
    yield Bomb("last integer wrong, three deep", Cube, last_wrong(b'{"cells":[[', b"1", b'"a"', b"]]}"))
    yield Bomb("empty lists", Cube, rows_of(b'{"z":1,"cells":[', b"[]", b"]}"))
    yield Bomb("one wrong in each list", Cube, rows_of(b'{"cells":[[', b'1,1,1,1,1,"a"', b"]]}"))
    yield Bomb("unknown fields", Point, members(b"{", b"1", b"}"))
    yield Bomb("one key many times", Point, members(b"{", b"1", b"}", unique=False))
    yield Bomb("unknown fields of objects", Point, members(b"{", b"{}", b"}"))
    yield Bomb("dict of too many keys", Bag, members(b'{"counts":{', b'{"a":1}', b"}}"))
    yield Bomb("wrong values in dicts", Bag, rows_of_dicts(b'"a"'))
    yield Bomb("good dicts, then an unknown field", Bag, rows_of_dicts(b"1", b',"z":1'))
    yield Bomb("faults 30 levels deep", Node, deep(items(NODE[0], b"{}", NODE[1]), NODE, 30))
    yield Bomb("broad tree, last leaf wrong", Node, forest(LEAF, b"{}"))
    yield Bomb("broad tree 25 deep, last leaf wrong", Node, deep(forest(LEAF, b"{}"), NODE, 25))
    yield Bomb("chains of trees", Node, forest(NODE[0] * 20 + LEAF + NODE[1] * 20, b"{}"))
    yield Bomb("chains of trees, each wrong", Node, forest(NODE[0] * 20 + b"1" + NODE[1] * 20, b"{}"))
    yield Bomb("names are numbers", Node, forest(b'{"name":1}', LEAF))
    yield Bomb("good lines, then a wrong one", Order, items(HEAD, GOOD_LINE, b",{}]}"))
    yield Bomb("wrong lines", Order, items(HEAD, b'{"sku":"a","quantity":0}', b"]}"))
    yield Bomb("lines for another pattern", Order, items(HEAD, b'{"sku":"%s"}' % (b"A" * 9_000), b"]}"))
    yield Bomb("a long text", Order, lambda size: b'{"reference":"%s"}' % (b"a" * size))
    yield Bomb("a long key", Order, lambda size: b'{"%s":1}' % (b"a" * size))
    for name, wrong in WRONG_TEXTS:
        yield Bomb(f"wrong {name}, long", Contact, items(b'{"%s":[' % name.encode(), wrong(9_900), b"]}"))
        yield Bomb(f"wrong {name}, short", Contact, items(b'{"%s":[' % name.encode(), wrong(8), b"]}"))
    yield Bomb("wrong pairs", Pairs, items(b'{"pairs":[', b"[]", b"]}"))
    yield Bomb("hand-written, wrong parts", Hooked(), items(b'{"a":1,"parts":[', b"{}", b"]}"))
    yield Bomb("hooks in each of lists of lists", Holder(), rows_of(b'{"rows":[', b'{"a":1}', b",{}]}"))
    yield Bomb("hooks refuse each", Holder(), rows_of(b'{"rows":[', b'{"a":-1}', b"]}"))
    yield Bomb("a long integer among short ones", Cube, last_wrong(b'{"cells":[[', b"1", b"1" * 30, b"]]}"))
    yield Bomb("brackets", Cube, lambda size: b"[" * (size // 2) + b"]" * (size // 2))


def rows_of_dicts(value: bytes, end: bytes = b"") -> Callable[[int], bytes]:
    """Return what makes objects of objects with up to 1,000 keys each."""

    def make(size: int) -> bytes:
        each = members(b"{", value, b"}")(min(size // 2, 12_000))
        count = max(1, min(999, size // (len(each) + 12)))
        return b'{"counts":{' + b",".join(b'"d%05d":' % n + each for n in range(count)) + b"}" + end + b"}"

    return make


WRONG_TEXTS: list[tuple[str, Callable[[int], bytes]]] = [
    ("emails", lambda length: b'"%s"' % (b"a.@" * (length // 3))),
    ("links", lambda length: b'"http://%s"' % (b"a." * (length // 2))),
    ("ids", lambda length: b'"%s"' % (b"-" * length)),
    ("moments", lambda length: b'"%s"' % (b"2024-02-29T" * (length // 8))),
    ("amounts", lambda length: b'"%s"' % (b"1e" * (length // 2))),
]


def seconds(load: Callable[[bytes], Any], body: bytes) -> tuple[float, int]:
    """Return the CPU time of reading a body, at its quickest, and how many faults it has."""
    best, count = float("inf"), 0
    for _ in range(ROUNDS):
        start = time.process_time()
        try:
            load(body)
        except ValidationError as error:
            count = len(validation.faults(error, "body"))
        except validation.MalformedJSON:
            count = 1
        best = min(best, time.process_time() - start)
    return best, count


def main() -> int:
    """Print what each shape costs."""
    dear = 0
    for bomb in bombs():
        load = validation.compile(bomb.schema).load_json
        body, small = bomb.make(MEGABYTE), bomb.make(SMALL)
        seconds(load, small)  # what is made at the first fault
        large_seconds, faults = seconds(load, body)
        small_seconds, _ = seconds(load, small)
        per_megabyte = large_seconds / len(body) * MEGABYTE
        is_dear = per_megabyte > SECONDS_PER_MEGABYTE or small_seconds > SECONDS_FOR_SMALL
        dear += is_dear
        print(
            f"{bomb.name:36} {len(body) / MEGABYTE:5.2f} MB {faults:3} faults"
            f" {per_megabyte * 1_000:8.1f} ms/MB {small_seconds * 1_000:7.2f} ms{' DEAR' if is_dear else ''}"
        )
    return 1 if dear else 0


if __name__ == "__main__":
    sys.exit(main())
