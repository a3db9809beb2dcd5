"""What the compiled functions do beyond being the same as marshmallow."""

from __future__ import annotations

import datetime as dt
import decimal
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
import pytest
from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_dump, post_load, pre_load, validate

from framework.errors import ConfigurationError
from framework.problem import Fault
from framework.validation import MalformedJSON, compile, faults, schema_of
from framework.validation.limits import ITEMS


@dataclass
class Line:
    sku: Annotated[str, validate.Regexp(r"^[A-Z0-9-]{4,20}$")]
    quantity: Annotated[int, validate.Range(1, 1000)]


@dataclass
class Order:
    reference: Annotated[str, validate.Length(1, 20)]
    ordered_on: dt.date
    lines: list[Line]
    price: float = 0.0
    note: str | None = None


@dataclass
class Tree:
    name: str
    children: list[Tree] = field(default_factory=list)


ORDER_JSON = {
    "reference": "AB-1",
    "ordered_on": "2024-02-29",
    "lines": [{"sku": "SKU-1", "quantity": 2}],
    "price": 1.5,
    "note": None,
}
ORDER = Order("AB-1", dt.date(2024, 2, 29), [Line("SKU-1", 2)], 1.5)


def refused(function: Any, value: Any) -> Any:
    with pytest.raises(ValidationError) as caught:
        function(value)
    return caught.value.messages


@pytest.mark.guarantee("compiled validation")
def test_every_field_of_a_plain_dataclass_is_compiled() -> None:
    lines = compile(Order).explain().splitlines()

    assert lines[0] == "Order"
    assert [line.split()[0] for line in lines[1:]] == [
        *("reference", "ordered_on", "lines", "lines.sku", "lines.quantity", "price", "note")
    ]
    assert all(line.endswith("load compiled; dump compiled") for line in lines[1:])


class Shout(fields.String):
    """A field of a user's own."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return f"{data['name']}: {super()._deserialize(value, attr, data, **kwargs).upper()}"


class Inner(Schema):
    id = fields.Integer()

    @pre_load
    def unwrap(self, data: Any, **kwargs: Any) -> Any:
        return data.pop("inner")


class Mixed(Schema):
    name = fields.String(required=True)
    cry = Shout()
    nested = fields.Nested(Inner)
    late = fields.Integer(load_only=True)

    @post_load
    def count(self, data: dict[str, Any], **kwargs: Any) -> Any:
        return {**data, "counted": True}


@pytest.mark.guarantee("compiled validation")
def test_what_is_left_to_marshmallow_is_explained() -> None:
    lines = [" ".join(line.split()) for line in compile(Mixed()).explain().splitlines()]

    assert lines == [
        "Mixed (marshmallow runs its post_load)",
        "name load compiled; dump compiled",
        "cry load by marshmallow: Shout is not known; dump by marshmallow: Shout is not known",
        "nested load by marshmallow: Inner has pre_load; dump compiled",
        "nested.id load compiled; dump compiled",
        "late load compiled; no dump",
    ]


def test_a_field_of_ones_own_gets_what_marshmallow_would_give_it() -> None:
    loaded = compile(Mixed()).load({"name": "Ada", "cry": "hello"})

    assert loaded == {"name": "Ada", "cry": "Ada: HELLO", "counted": True}


def test_a_nested_hook_that_changes_its_input_does_not_spoil_the_second_reading() -> None:
    class Outer(Schema):
        nested = fields.Nested(Inner)
        later = fields.Integer()

    messages = refused(compile(Outer()).load, {"nested": {"inner": {"id": 1}}, "later": "x"})

    assert messages == {"later": ["Not a valid integer."]}


def test_hooks_of_a_schema_run_once() -> None:
    calls = []

    class Counting(Schema):
        id = fields.Integer()

        @pre_load
        def before(self, data: Any, **kwargs: Any) -> Any:
            calls.append("pre_load")
            return data

        @post_load
        def after(self, data: Any, **kwargs: Any) -> Any:
            calls.append("post_load")
            return data

        @post_dump
        def dumped(self, data: Any, **kwargs: Any) -> Any:
            calls.append("post_dump")
            return data

    compiled = compile(Counting())
    compiled.load_json(b'{"id": 1}')
    compiled.dump_json({"id": 1})
    messages = refused(compiled.load, {"id": "x"})

    assert calls == ["pre_load", "post_load", "post_dump", "pre_load"]
    assert messages == {"id": ["Not a valid integer."]}


def test_a_compiled_schema_may_be_nested_with_fewer_fields() -> None:
    mixed = Mixed()
    compile(mixed).load({"name": "a"})

    class Outer(Schema):
        inner = fields.Nested(mixed, only=("name",))

    outer = Outer()

    assert outer.load({"inner": {"name": "a"}}) == {"inner": {"name": "a", "counted": True}}
    assert refused(outer.load, {"inner": {"name": "a", "late": 1}}) == {"inner": {"late": ["Unknown field."]}}
    assert compile(outer).dump({"inner": {"name": "a", "cry": "b"}}) == {"inner": {"name": "a"}}


def test_a_schema_is_compiled_once() -> None:
    assert compile(Order) is compile(Order)
    assert compile(list[Order]) is compile(list[Order])
    assert compile(Order) is not compile(list[Order])


def test_a_nested_schema_that_cannot_be_found_is_an_error_when_compiling() -> None:
    class Lost(Schema):
        nested = fields.Nested("NoSuchSchema")

    with pytest.raises(ConfigurationError, match=r"'nested'.*NoSuchSchema"):
        compile(Lost())


class Node(Schema):
    name = fields.String()
    rows = fields.List(fields.Integer())
    child = fields.Nested(lambda: Node())  # noqa: PLW0108 - the name is not yet there


@pytest.mark.parametrize("kind", [Tree, Node])
def test_types_that_nest_themselves_load_and_dump(kind: type) -> None:
    compiled = compile(kind)
    document = {"name": "a", "children": [{"name": "b", "children": []}]} if kind is Tree else DEEP

    assert orjson.loads(compiled.dump_json(compiled.load(document))) == document


DEEP = {"name": "a", "child": {"name": "b", "child": {"name": "c", "rows": [1]}}}


@pytest.mark.guarantee("bounded validation")
def test_caps_hold_at_any_depth_of_a_hand_written_schema() -> None:
    load = compile(Node()).load

    too_long = refused(load, {"child": {"child": {"child": {"rows": [1] * (ITEMS + 1)}}}})
    with_null = refused(load, {"child": {"child": {"child": {"name": "a\0"}}}})

    assert too_long == {"child": {"child": {"child": {"rows": ["Longer than maximum length 1000."]}}}}
    assert with_null == {"child": {"child": {"child": {"name": ["Null characters are not allowed."]}}}}


def test_caps_hold_for_many_of_a_hand_written_schema() -> None:
    compiled = compile(Node(many=True))

    assert len(compiled.load([{}] * ITEMS)) == ITEMS
    assert refused(compiled.load, [{}] * (ITEMS + 1)) == {"_schema": ["Longer than maximum length 1000."]}
    assert refused(compiled.load_json, orjson.dumps([{}] * (ITEMS + 1))) == {
        "_schema": ["Longer than maximum length 1000."]
    }


@dataclass
class Repeated:
    text: Annotated[str, validate.Regexp("^A*$")]


def test_text_in_a_document_is_capped_before_a_pattern_runs() -> None:
    load = compile(Repeated).load_json

    assert len(load(orjson.dumps({"text": "A" * 10_000})).text) == 10_000
    assert refused(load, orjson.dumps({"text": "A" * 10_001})) == {
        "text": ["Longer than maximum length 10000."]
    }


def test_an_escaped_null_character_is_a_fault_of_its_field() -> None:
    body = rb'{"name": "a\u0000b", "children": [{"name": "\u0000"}]}'

    with pytest.raises(ValidationError) as caught:
        compile(Tree).load_json(body)

    assert faults(caught.value, "body") == [
        Fault("body", "/name", "Null characters are not allowed."),
        Fault("body", "/children/0/name", "Null characters are not allowed."),
    ]


def test_an_escaped_backslash_is_no_null_character() -> None:
    assert compile(Tree).load_json(rb'{"name": "a\\u0000b"}') == Tree(r"a\u0000b")


class Loose(Schema):
    anything = fields.Raw()
    number = fields.Float()
    whole = fields.Integer()

    class Meta:
        unknown = EXCLUDE


@pytest.mark.parametrize(
    "body",
    [
        b'{"anything": 18446744073709551616}',
        b'{"number": -9223372036854775809}',
        b'{"whole": 123456789012345678901234567890}',
        b'{"unknown": [18446744073709551616]}',
        b'{"anything": ' + b"[" * 64 + b"]" * 64 + b"}",
        b'{"unknown": ' + b'{"a":' * 64 + b"1" + b"}" * 64 + b"}",
    ],
    ids=["raw", "float", "integer", "unknown field", "deep raw", "deep unknown field"],
)
def test_limits_of_json_hold_wherever_a_schema_does_not_look(body: bytes) -> None:
    with pytest.raises(MalformedJSON, match=r"64 bits|64 levels"):
        compile(Loose()).load_json(body)


def test_a_type_that_nests_itself_does_not_get_around_the_depth_of_json() -> None:
    body = b'{"name":"a","children":[' * 40 + b'{"name":"a"}' + b"]}" * 40

    with pytest.raises(MalformedJSON, match="64 levels"):
        compile(Tree).load_json(body)


def test_large_numbers_that_fit_are_read() -> None:
    assert compile(Loose()).load_json(b'{"anything": 18446744073709551615, "number": 1e300}') == {
        "anything": 2**64 - 1,
        "number": 1e300,
    }


def test_long_documents_are_read_like_short_ones() -> None:
    lines = [{"sku": f"SKU-{number}", "quantity": 1} for number in range(900)]
    body = orjson.dumps({**ORDER_JSON, "lines": lines})

    assert len(compile(Order).load_json(body).lines) == 900
    assert refused(compile(Order).load_json, body.replace(b"SKU-7", b"sku-7", 1)) == {
        "lines": {7: {"sku": ["String does not match expected pattern."]}}
    }


def test_an_object_as_it_stands_is_written_as_marshmallow_would() -> None:
    compiled = compile(Order)

    assert orjson.loads(compiled.dump_json(ORDER)) == ORDER_JSON
    assert compiled.dump_json(ORDER) == orjson.dumps(compiled.schema.dump(ORDER))


def test_an_attribute_that_is_no_field_is_never_written() -> None:
    order = Order("AB-1", dt.date(2024, 2, 29), [])
    order.secret = "hidden"  # type: ignore[attr-defined]
    order.lines.append(Line("SKU-1", 1))
    order.lines[0].secret = "hidden"  # type: ignore[attr-defined]

    assert b"hidden" not in compile(Order).dump_json(order)
    assert b"hidden" not in compile(list[Order]).dump_json([order])


def test_an_attribute_in_the_place_of_a_default_is_never_written() -> None:
    order = Order("AB-1", dt.date(2024, 2, 29), [])
    del order.note
    order.secret = "hidden"  # type: ignore[attr-defined]

    assert orjson.loads(compile(Order).dump_json(order)) == {**ORDER_JSON, "lines": [], "price": 0.0}


def test_a_dict_is_written_in_the_order_of_the_fields() -> None:
    compiled = compile(Node())
    in_order = {"name": "a", "rows": [1], "child": {"name": "b", "rows": [], "child": None}}

    assert compiled.dump_json(in_order) == orjson.dumps(in_order)
    assert compiled.dump_json(dict(reversed(in_order.items()))) == orjson.dumps(in_order)
    assert compiled.dump_json({**in_order, "secret": "hidden"}) == orjson.dumps(in_order)


def test_a_time_is_written_with_all_its_microseconds() -> None:
    compiled = compile(Schema.from_dict({"at": fields.Time()})())

    assert compiled.dump_json({"at": dt.time(1, 2, 3, 10_000)}) == b'{"at":"01:02:03.010000"}'


def test_values_of_another_type_than_their_field_are_converted_when_dumping() -> None:
    order = Order(5, dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC), ({"sku": 1, "quantity": "2"},), 3)  # type: ignore[arg-type]

    assert orjson.loads(compile(Order).dump_json(order)) == {
        "reference": "5",
        "ordered_on": "2024-02-29",
        "lines": [{"sku": "1", "quantity": 2}],
        "price": 3.0,
        "note": None,
    }


class Row:
    """An object that is no dataclass, as a database may return it."""

    def __init__(self, **values: Any) -> None:
        self.__dict__ |= values


@pytest.mark.parametrize("make", [dict, Row], ids=["dict", "object"])
def test_dicts_and_other_objects_are_dumped_for_a_dataclass(make: Any) -> None:
    rows = [make(name="a", children=[make(name="b", children=[])])]
    document = [{"name": "a", "children": [{"name": "b", "children": []}]}]

    assert orjson.loads(compile(list[Tree]).dump_json(rows)) == document
    assert compile(list[Tree]).dump(rows) == document


def test_a_generator_is_not_used_up_before_marshmallow_gets_it() -> None:
    class Numbers(Schema):
        numbers = fields.List(fields.Integer())
        name = fields.String(required=True)

    assert compile(Numbers()).dump({"numbers": (n for n in (1, 2))}) == {"numbers": [1, 2]}
    assert compile(Numbers()).dump_json({"numbers": (n for n in (1, 2))}) == b'{"numbers":[1,2]}'


class Priced(Schema):
    price = fields.Decimal(as_string=True)


def test_a_decimal_with_a_huge_exponent_is_refused_before_it_could_be_written() -> None:
    assert refused(compile(Priced()).load, {"price": "1e999999999"}) == {"price": ["Not a valid number."]}
    assert compile(Priced()).load({"price": "1e3"}) == {"price": decimal.Decimal("1e3")}


class When(Schema):
    naive = fields.NaiveDateTime()


@dataclass
class WhenMade:
    naive: Annotated[dt.datetime, fields.NaiveDateTime()] | None = None


def test_a_bare_date_is_midnight_only_where_a_schema_was_written_by_hand() -> None:
    midnight = dt.datetime.fromisoformat("2024-02-29")

    assert compile(When()).load({"naive": "2024-02-29"}) == {"naive": midnight}
    assert refused(compile(WhenMade).load, {"naive": "2024-02-29"}) == {"naive": ["Not a valid datetime."]}


def test_options_of_a_call_are_respected() -> None:
    compiled = compile(Line)

    assert compiled.load([{"sku": "SKU-1", "quantity": 1}], many=True) == [Line("SKU-1", 1)]
    assert compiled.load({"sku": "SKU-1", "quantity": 1, "x": 2}, unknown=EXCLUDE) == Line("SKU-1", 1)
    assert compiled.dump([Line("SKU-1", 1)], many=True) == [{"sku": "SKU-1", "quantity": 1}]
    assert compile(Node()).load({}, partial=("name",)) == {}


def test_what_is_no_object_or_no_list_is_refused() -> None:
    assert refused(compile(Line).load_json, b"[]") == {"_schema": ["Invalid input type."]}
    assert refused(compile(list[Line]).load_json, b"{}") == {"_schema": ["Invalid input type."]}


def test_a_field_with_a_method_of_its_own_is_left_to_marshmallow() -> None:
    quick = fields.String()
    quick._deserialize = lambda value, *args, **kwargs: "mine"  # type: ignore[method-assign]
    compiled = compile(Schema.from_dict({"quick": quick})())

    assert compiled.load({"quick": 1}) == {"quick": "mine"}


@pytest.mark.guarantee("compiled validation")
def test_a_schema_that_overrides_how_it_loads_is_left_to_marshmallow() -> None:
    class Own(Schema):
        id = fields.Integer()

        def load(self, data: Any, **kwargs: Any) -> Any:
            return "mine"

        def dump(self, obj: Any, **kwargs: Any) -> Any:
            return ["mine"]

    compiled = compile(Own())

    assert compiled.load({"id": 1}) == compiled.load_json(b"{}") == "mine"
    assert compiled.dump({}) == ["mine"]
    assert compiled.dump_json({}) == b'["mine"]'
    assert "Own overrides load" in compiled.explain()


def test_an_object_that_json_cannot_say_is_an_error() -> None:
    with pytest.raises(TypeError):
        compile(Loose()).dump_json({"anything": object()})


@pytest.mark.guarantee("compiled validation")
def test_each_field_of_a_text_schema_is_compiled_too() -> None:
    @dataclass
    class Search:
        q: str = ""
        limit: Annotated[int, validate.Range(1, 100)] = 20
        after: dt.date | None = None

    compiled = compile(schema_of(Search, text=True))

    assert compiled.load({"q": "x", "limit": "5"}) == Search("x", 5)
    assert "marshmallow" not in compiled.explain()
