"""Validation: types and marshmallow schemas as loaders and dumpers, and strict JSON. Nothing here knows HTTP.

The seam
--------
``schema_of(tp, *, text=False, conventions=...) -> Schema``
    The schema of a dataclass (loads instances), a ``TypedDict`` (dicts), ``Partial[T]`` (what a PATCH sent),
    a ``list`` of these (``many=True``), ``Annotated[dict[str, Any], SomeSchema()]``, or a Schema class or
    instance; cached per type and conventions. With ``text=True`` scalars convert from text (query, form,
    headers). A type or annotation that cannot be mapped is a ``ConfigurationError`` that names class, field and
    annotation.
``schema_from_fields(name, annotations, *, defaults, text, unknown, conventions=...) -> Schema``
    The schema of loose parameters, such as those in a path; loads a dict.
``compile(schema_or_type) -> CompiledSchema``
    Made once for a schema. Each of its functions is made when it is first asked for: ask at start-up, keep
    it::

        load = compile(Order).load_json
        write = compile(Order).dump_json

        order = load(document)      # MalformedJSON or marshmallow.ValidationError
        document = write(order)     # bytes

    ``load(data, *, many=None, partial=None, unknown=None)`` and ``dump(obj, *, many=None)`` take and give
    plain data; ``explain()`` says what was compiled; ``schema`` is the marshmallow schema, for OpenAPI.
``faults(error, location) -> list[Fault]``
    A ``ValidationError`` as flat faults with JSON pointers, for one ``UnprocessableContent``; at most 50 and
    one more.
``decode(document) -> Any`` and ``encode(value) -> bytes``
    Strict JSON without a schema; ``decode`` raises ``MalformedJSON``, a ``ValueError``, ``encode`` a ``Misfit``, a
    ``TypeError``. Objects in the value are written by the schemas of their own classes. ``show`` refuses nothing.
``writer_of(declared, *, conventions=...) -> Callable[[Any], bytes]``
    What writes the values of any type as JSON and raises ``Misfit`` for all others.
``Partial[T]``
    A read-only mapping of the fields that were sent, by Python name; ``apply(target)`` sets them on an object
    or dict.
``@conventions(names="camel", unknown="ignore", strict=False)``
    How the fields of a class are called outside, and what becomes of others.
``SHAPES``
    What an OpenAPI document says of the values of fields, where the class of the field does not say it.
``MaxItems(n)``
    ``Annotated[list[Row], MaxItems(5_000)]`` (or ``Length(max=5_000)``) allows more than the usual 1,000
    items.

Results and messages are marshmallow's; how that can be fast stands in ``docs/design/validation.md``. What a
value must look like for each annotation stands in ``framework.validation.schemas.annotations``. A class of
your own joins in with a class method ``__marshmallow_field__()`` that returns a field. In a text schema, the
fields that take several values (``?tag=a&tag=b``) are those that are ``marshmallow.fields.List``; hand them a
list.
"""

from framework.validation.answers import Misfit, encode, show, writer_of
from framework.validation.codecs.registry import SHAPES
from framework.validation.compiler.compiled import CompiledSchema, compile
from framework.validation.conventions import Conventions, conventions
from framework.validation.faults import faults
from framework.validation.json import MalformedJSON, decode
from framework.validation.limits import MaxItems
from framework.validation.partial import Partial
from framework.validation.schemas import schema_from_fields, schema_of
from framework.validation.schemas.type_fields import Computed

__all__ = [
    "SHAPES",
    "CompiledSchema",
    "Computed",
    "Conventions",
    "MalformedJSON",
    "MaxItems",
    "Misfit",
    "Partial",
    "compile",
    "conventions",
    "decode",
    "encode",
    "faults",
    "schema_from_fields",
    "schema_of",
    "show",
    "writer_of",
]
