"""The documents as pydantic models."""

# mypy: disable-error-code="import-not-found, misc"

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, NaiveDatetime

from benchmarks.data import COUNTRY, EMAIL, REFERENCE, SKU


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Customer(Document):
    id: UUID
    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: Annotated[str, Field(max_length=254, pattern=EMAIL)]
    phone: Annotated[str, Field(min_length=5, max_length=20)]


class Address(Document):
    street: Annotated[str, Field(min_length=1, max_length=200)]
    city: Annotated[str, Field(min_length=1, max_length=100)]
    postcode: Annotated[str, Field(min_length=3, max_length=10)]
    country: Annotated[str, Field(pattern=COUNTRY)]


class Item(Document):
    sku: Annotated[str, Field(pattern=SKU)]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    quantity: Annotated[int, Field(ge=1, le=1000)]
    price_cents: Annotated[int, Field(ge=0, le=10_000_000)]


class Discount(Document):
    code: Annotated[str, Field(min_length=1, max_length=30)]
    percent: Annotated[float, Field(ge=0, le=100)]


class Order(Document):
    reference: Annotated[str, Field(pattern=REFERENCE)]
    channel: Literal["web", "app", "shop"]
    currency: Literal["EUR", "USD", "GBP"]
    deliver_on: dt.date
    express: bool
    customer: Customer
    shipping: Address
    billing: Address
    discount: Discount
    items: Annotated[list[Item], Field(min_length=1, max_length=100)]
    note: Annotated[str | None, Field(max_length=500)] = None


class Row(Document):
    id: int
    name: str
    email: str
    balance: float
    active: bool
    joined: dt.date


class Contact(Document):
    name: Annotated[str, Field(min_length=1, max_length=100)]
    email: Annotated[str, Field(pattern=EMAIL)]
    age: Annotated[int, Field(ge=0, le=150)]
    subscribed: bool
    message: Annotated[str, Field(min_length=1, max_length=1000)]


class Node(Document):
    name: Annotated[str, Field(min_length=1, max_length=50)]
    weight: float
    children: Annotated[list["Node"], Field(max_length=10)]


class Invoice(Document):
    number: str
    issued: dt.date
    due: dt.date
    created_at: NaiveDatetime
    net: Decimal
    tax: Decimal
    gross: Decimal
    seller: UUID
    buyer: UUID
    paid: dt.date | None = None
    shipped_at: NaiveDatetime | None = None
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
