"""Documents of plain fields never reach marshmallow: a fall-back would give the same results, only later."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import orjson
import pytest
from marshmallow import Schema, fields

from benchmarks import samples
from benchmarks.models import as_dataclasses, as_marshmallow
from framework.validation import CompiledSchema, compile

DIALECTS = [pytest.param(as_dataclasses, id="dataclass"), pytest.param(as_marshmallow, id="schema")]
DOCUMENTS = [
    pytest.param("Contact", samples.CONTACT, id="small and flat"),
    pytest.param("Order", samples.ORDER, id="an order"),
    pytest.param("Row", samples.ROWS[0], id="a row"),
    pytest.param("Node", samples.tree(), id="8 levels deep"),
    pytest.param("Invoice", samples.INVOICE, id="optional, dates and decimals"),
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
    compiled = compiled_alone(dialect, "Contact", monkeypatch)

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
