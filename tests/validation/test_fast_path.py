"""Documents of plain fields never reach marshmallow: a fall-back would give the same results, only later."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import orjson
import pytest
from marshmallow import Schema, fields

from framework.validation import CompiledSchema, compile
from tests.validation import plain_dataclasses, plain_schemas

pytestmark = pytest.mark.guarantee("compiled validation")

PERSON = {"name": "Ada Lovelace", "email": "ada@engine.example", "age": 36, "subscribed": True}
ORDER = {
    "id": "5a9f8f66-9d0a-4b3c-9c46-0c4c4e6d1b11",
    "channel": "web",
    "deliver_on": "2025-03-14",
    "percent": 12.5,
    "buyer": PERSON,
    "payer": {**PERSON, "name": "Zoë"},
    "lines": [{"title": f"Volume {number}", "quantity": number} for number in range(1, 6)],
    "note": "Please leave it with the neighbour.",
}
INVOICE = {
    "number": "2025-0042",
    "made_at": "2025-03-01T17:59:59",
    "net": "1295.50",
    "paid": None,
    "deposit": "100.00",
    "project": None,
    "reminders": 0,
    "cancelled": False,
}


def tree(depth: int = 8) -> dict[str, Any]:
    """Return a document as deep as that; each level has a leaf beside the branch that goes on."""
    leaf = {"name": "leaf", "weight": 0.5, "children": []}
    return {"name": f"level {depth}", "weight": 1.5, "children": [leaf, tree(depth - 1)] if depth > 1 else []}


DIALECTS = [pytest.param(plain_dataclasses, id="dataclass"), pytest.param(plain_schemas, id="schema")]
DOCUMENTS = [
    pytest.param("Person", PERSON, id="small and flat"),
    pytest.param("Order", ORDER, id="an order"),
    pytest.param("Node", tree(), id="8 levels deep"),
    pytest.param("Invoice", INVOICE, id="optional, dates and decimals"),
]


def compiled_alone(dialect: ModuleType, model: str, monkeypatch: pytest.MonkeyPatch) -> CompiledSchema:
    """Return a compiled model whose schema cannot be asked any more."""
    compiled = compile(getattr(dialect, model))
    _ = compiled.load, compiled.load_json, compiled.dump, compiled.dump_json  # made when they are first named

    def refuse(self: Any, *arguments: Any, **options: Any) -> None:
        raise AssertionError(f"{self!r} was asked.")

    monkeypatch.setattr(fields.Field, "deserialize", refuse)
    monkeypatch.setattr(Schema, "_serialize", refuse)
    return compiled


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("model", "sample"), DOCUMENTS)
def test_a_plain_document_is_loaded_and_dumped_without_marshmallow(
    dialect: ModuleType, model: str, sample: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = compiled_alone(dialect, model, monkeypatch)

    loaded, loaded_json = compiled.load(sample), compiled.load_json(orjson.dumps(sample))

    assert loaded == loaded_json
    assert orjson.loads(compiled.dump_json(loaded)) == sample
    assert orjson.loads(orjson.dumps(compiled.dump(loaded))) == sample


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_fault_does_reach_marshmallow(dialect: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compiled_alone(dialect, "Person", monkeypatch)

    with pytest.raises(AssertionError, match="was asked"):
        compiled.load({"name": 1})
    with pytest.raises(AssertionError, match="was asked"):
        compiled.load_json(b'{"name": 1}')
    with pytest.raises(AssertionError, match="was asked"):
        compiled.dump(Spiteful())


class Spiteful:
    """Have no attribute that could be dumped."""

    def __getattr__(self, name: str) -> Any:
        raise ValueError(name)
