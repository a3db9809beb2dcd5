"""The same documents of plain fields, as schemas written by hand."""

from __future__ import annotations

from marshmallow import Schema, fields, validate


class Person(Schema):
    name = fields.String(required=True, validate=validate.Length(1, 100))
    email = fields.String(
        required=True, validate=[validate.Length(max=254), validate.Regexp(r"[^@\s]+@[^@\s]+\Z")]
    )
    age = fields.Integer(required=True, strict=True, validate=validate.Range(0, 150))
    subscribed = fields.Boolean(required=True)


class Line(Schema):
    title = fields.String(required=True, validate=validate.Length(1, 200))
    quantity = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1000))


class Order(Schema):
    id = fields.UUID(required=True)
    channel = fields.String(required=True, validate=validate.OneOf(["web", "shop"]))
    deliver_on = fields.Date(required=True)
    percent = fields.Float(required=True, validate=validate.Range(0, 100))
    buyer = fields.Nested(Person, required=True)
    payer = fields.Nested(Person, required=True)
    lines = fields.List(fields.Nested(Line), required=True, validate=validate.Length(1, 100))
    note = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=500))


class Node(Schema):
    name = fields.String(required=True, validate=validate.Length(1, 50))
    weight = fields.Float(required=True)
    children = fields.List(
        fields.Nested("tests.validation.plain_schemas.Node"), required=True, validate=validate.Length(max=10)
    )


class Invoice(Schema):
    number = fields.String(required=True)
    made_at = fields.NaiveDateTime(required=True)
    net = fields.Decimal(required=True, as_string=True)
    paid = fields.Date(load_default=None, allow_none=True)
    deposit = fields.Decimal(load_default=None, allow_none=True, as_string=True)
    project = fields.UUID(load_default=None, allow_none=True)
    reminders = fields.Integer(load_default=0, strict=True)
    cancelled = fields.Boolean(load_default=False)
