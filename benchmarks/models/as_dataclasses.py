"""The documents as dataclasses with marshmallow's validators as metadata."""

# Real annotations, not strings: any reader of signatures can resolve them.
import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from benchmarks.data import CHANNELS, COUNTRY, CURRENCIES, EMAIL, REFERENCE, SKU

Money = Annotated[Decimal, fields.Decimal(as_string=True)]
Moment = Annotated[dt.datetime, fields.NaiveDateTime()]


@dataclass
class Customer:
    id: UUID
    name: Annotated[str, Length(1, 100)]
    email: Annotated[str, Length(max=254), Regexp(EMAIL)]
    phone: Annotated[str, Length(5, 20)]


@dataclass
class Address:
    street: Annotated[str, Length(1, 200)]
    city: Annotated[str, Length(1, 100)]
    postcode: Annotated[str, Length(3, 10)]
    country: Annotated[str, Regexp(COUNTRY)]


@dataclass
class Item:
    sku: Annotated[str, Regexp(SKU)]
    title: Annotated[str, Length(1, 200)]
    quantity: Annotated[int, Range(1, 1000)]
    price_cents: Annotated[int, Range(0, 10_000_000)]


@dataclass
class Discount:
    code: Annotated[str, Length(1, 30)]
    percent: Annotated[float, Range(0, 100)]


@dataclass
class Order:
    reference: Annotated[str, Regexp(REFERENCE)]
    channel: Annotated[str, OneOf(CHANNELS)]
    currency: Annotated[str, OneOf(CURRENCIES)]
    deliver_on: dt.date
    express: bool
    customer: Customer
    shipping: Address
    billing: Address
    discount: Discount
    items: Annotated[list[Item], Length(1, 100)]
    note: Annotated[str | None, Length(max=500)] = None


@dataclass
class Row:
    id: int
    name: str
    email: str
    balance: float
    active: bool
    joined: dt.date


@dataclass
class Contact:
    name: Annotated[str, Length(1, 100)]
    email: Annotated[str, Regexp(EMAIL)]
    age: Annotated[int, Range(0, 150)]
    subscribed: bool
    message: Annotated[str, Length(1, 1000)]


@dataclass
class Node:
    name: Annotated[str, Length(1, 50)]
    weight: float
    children: Annotated[list["Node"], Length(max=10)] = field(default_factory=list)


@dataclass
class Invoice:
    number: str
    issued: dt.date
    due: dt.date
    created_at: Moment
    net: Money
    tax: Money
    gross: Money
    seller: UUID
    buyer: UUID
    paid: dt.date | None = None
    shipped_at: Moment | None = None
    shipping: Money | None = None
    discount: Money | None = None
    deposit: Money | None = None
    project: UUID | None = None
    memo: str | None = None
    terms: str | None = None
    bank: str | None = None
    contact: str | None = None
    reminders: int = 0
    cancelled: bool = False
