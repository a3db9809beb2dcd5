"""The documents as marshmallow schemas, written by hand."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from benchmarks.data import CHANNELS, COUNTRY, CURRENCIES, EMAIL, REFERENCE, SKU


class Customer(Schema):
    id = fields.UUID(required=True)
    name = fields.String(required=True, validate=validate.Length(1, 100))
    email = fields.String(required=True, validate=[validate.Length(max=254), validate.Regexp(EMAIL)])
    phone = fields.String(required=True, validate=validate.Length(5, 20))


class Address(Schema):
    street = fields.String(required=True, validate=validate.Length(1, 200))
    city = fields.String(required=True, validate=validate.Length(1, 100))
    postcode = fields.String(required=True, validate=validate.Length(3, 10))
    country = fields.String(required=True, validate=validate.Regexp(COUNTRY))


class Item(Schema):
    sku = fields.String(required=True, validate=validate.Regexp(SKU))
    title = fields.String(required=True, validate=validate.Length(1, 200))
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000))
    price_cents = fields.Integer(required=True, strict=True, validate=validate.Range(0, 10_000_000))


class Discount(Schema):
    code = fields.String(required=True, validate=validate.Length(1, 30))
    percent = fields.Float(required=True, validate=validate.Range(0, 100))


class Order(Schema):
    reference = fields.String(required=True, validate=validate.Regexp(REFERENCE))
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    currency = fields.String(required=True, validate=validate.OneOf(CURRENCIES))
    deliver_on = fields.Date(required=True)
    express = fields.Boolean(required=True)
    note = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))
    customer = fields.Nested(Customer, required=True)
    shipping = fields.Nested(Address, required=True)
    billing = fields.Nested(Address, required=True)
    discount = fields.Nested(Discount, required=True)
    items = fields.List(fields.Nested(Item), required=True, validate=validate.Length(1, 100))


class Row(Schema):
    id = fields.Integer(required=True, strict=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    balance = fields.Float(required=True)
    active = fields.Boolean(required=True)
    joined = fields.Date(required=True)


class Contact(Schema):
    name = fields.String(required=True, validate=validate.Length(1, 100))
    email = fields.String(required=True, validate=validate.Regexp(EMAIL))
    age = fields.Integer(required=True, strict=True, validate=validate.Range(0, 150))
    subscribed = fields.Boolean(required=True)
    message = fields.String(required=True, validate=validate.Length(1, 1000))


class ContactForm(Contact):
    """The same from a form, where every value arrives as text."""

    age = fields.Integer(required=True, validate=validate.Range(0, 150))


class Node(Schema):
    name = fields.String(required=True, validate=validate.Length(1, 50))
    weight = fields.Float(required=True)
    children = fields.List(
        fields.Nested("benchmarks.models.as_marshmallow.Node"),
        required=True,
        validate=validate.Length(max=10),
    )


class Invoice(Schema):
    number = fields.String(required=True)
    issued = fields.Date(required=True)
    due = fields.Date(required=True)
    paid = fields.Date(load_default=None, allow_none=True)
    shipped_at = fields.NaiveDateTime(load_default=None, allow_none=True)
    created_at = fields.NaiveDateTime(required=True)
    net = fields.Decimal(required=True, as_string=True)
    tax = fields.Decimal(required=True, as_string=True)
    gross = fields.Decimal(required=True, as_string=True)
    shipping = fields.Decimal(load_default=None, allow_none=True, as_string=True)
    discount = fields.Decimal(load_default=None, allow_none=True, as_string=True)
    deposit = fields.Decimal(load_default=None, allow_none=True, as_string=True)
    seller = fields.UUID(required=True)
    buyer = fields.UUID(required=True)
    project = fields.UUID(load_default=None, allow_none=True)
    memo = fields.String(load_default=None, allow_none=True)
    terms = fields.String(load_default=None, allow_none=True)
    bank = fields.String(load_default=None, allow_none=True)
    contact = fields.String(load_default=None, allow_none=True)
    reminders = fields.Integer(load_default=0, strict=True)
    cancelled = fields.Boolean(load_default=False)
