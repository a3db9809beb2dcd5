"""The documents as msgspec structs."""

# mypy: disable-error-code="import-not-found, misc, call-arg"

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from benchmarks.data import COUNTRY, EMAIL, REFERENCE, SKU


class Customer(Struct, forbid_unknown_fields=True):
    id: UUID
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    email: Annotated[str, Meta(max_length=254, pattern=EMAIL)]
    phone: Annotated[str, Meta(min_length=5, max_length=20)]


class Address(Struct, forbid_unknown_fields=True):
    street: Annotated[str, Meta(min_length=1, max_length=200)]
    city: Annotated[str, Meta(min_length=1, max_length=100)]
    postcode: Annotated[str, Meta(min_length=3, max_length=10)]
    country: Annotated[str, Meta(pattern=COUNTRY)]


class Item(Struct, forbid_unknown_fields=True):
    sku: Annotated[str, Meta(pattern=SKU)]
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    quantity: Annotated[int, Meta(ge=1, le=1000)]
    price_cents: Annotated[int, Meta(ge=0, le=10_000_000)]


class Discount(Struct, forbid_unknown_fields=True):
    code: Annotated[str, Meta(min_length=1, max_length=30)]
    percent: Annotated[float, Meta(ge=0, le=100)]


class Order(Struct, forbid_unknown_fields=True):
    reference: Annotated[str, Meta(pattern=REFERENCE)]
    channel: Literal["web", "app", "shop"]
    currency: Literal["EUR", "USD", "GBP"]
    deliver_on: dt.date
    express: bool
    customer: Customer
    shipping: Address
    billing: Address
    discount: Discount
    items: Annotated[list[Item], Meta(min_length=1, max_length=100)]
    note: Annotated[str, Meta(max_length=500)] | None = None


class Row(Struct, forbid_unknown_fields=True):
    id: int
    name: str
    email: str
    balance: float
    active: bool
    joined: dt.date


class Contact(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    email: Annotated[str, Meta(pattern=EMAIL)]
    age: Annotated[int, Meta(ge=0, le=150)]
    subscribed: bool
    message: Annotated[str, Meta(min_length=1, max_length=1000)]


class Node(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(min_length=1, max_length=50)]
    weight: float
    children: Annotated[list["Node"], Meta(max_length=10)]


class Invoice(Struct, forbid_unknown_fields=True):
    number: str
    issued: dt.date
    due: dt.date
    created_at: Annotated[dt.datetime, Meta(tz=False)]
    net: Decimal
    tax: Decimal
    gross: Decimal
    seller: UUID
    buyer: UUID
    paid: dt.date | None = None
    shipped_at: Annotated[dt.datetime, Meta(tz=False)] | None = None
    shipping: Decimal | None = None
    discount: Decimal | None = None
    deposit: Decimal | None = None
    project: UUID | None = None
    memo: str | None = None
    terms: str | None = None
    bank: str | None = None
    contact: str | None = None
    reminders: int = 0
    cancelled: bool = False
