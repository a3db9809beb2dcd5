"""Documents of plain fields, as dataclasses."""

# Real annotations, not strings: a type that nests itself is found without this module's names.
import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp


@dataclass
class Person:
    name: Annotated[str, Length(1, 100)]
    email: Annotated[str, Length(max=254), Regexp(r"[^@\s]+@[^@\s]+\Z")]
    age: Annotated[int, Range(0, 150)]
    subscribed: bool


@dataclass
class Line:
    title: Annotated[str, Length(1, 200)]
    quantity: Annotated[int, Range(1, 1000)]


@dataclass
class Order:
    id: UUID
    channel: Annotated[str, OneOf(["web", "shop"])]
    deliver_on: dt.date
    percent: Annotated[float, Range(0, 100)]
    buyer: Person
    payer: Person
    lines: Annotated[list[Line], Length(1, 100)]
    note: Annotated[str | None, Length(max=500)] = None


@dataclass
class Node:
    name: Annotated[str, Length(1, 50)]
    weight: float
    children: Annotated[list["Node"], Length(max=10)] = field(default_factory=list)


@dataclass
class Invoice:
    number: str
    made_at: Annotated[dt.datetime, fields.NaiveDateTime()]
    net: Annotated[Decimal, fields.Decimal(as_string=True)]
    paid: dt.date | None = None
    deposit: Annotated[Decimal | None, fields.Decimal(as_string=True, allow_none=True)] = None
    project: UUID | None = None
    reminders: int = 0
    cancelled: bool = False
