"""Load and dump five documents with each validation library: `python -m benchmarks.documents`.

Bytes go in and come out, because that is what a service does; marshmallow gets orjson on both sides.
"""

# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import orjson
from marshmallow import Schema
from pydantic import TypeAdapter

from benchmarks import samples
from benchmarks.machine import machine
from benchmarks.models import as_dataclasses, as_marshmallow, as_msgspec, as_pydantic
from framework import validation

SECONDS_PER_ROUND = 0.05
BASELINE = "marshmallow"


@dataclass(frozen=True)
class Document:
    """A sample and the name of its model in each dialect; `many` is a list of them."""

    title: str
    model: str
    sample: Any
    many: bool = False


@dataclass(frozen=True)
class Library:
    """How one library loads and dumps one document."""

    name: str
    load: Callable[[bytes], Any]
    dump: Callable[[Any], bytes]


DOCUMENTS = (
    Document("small and flat", "Contact", samples.CONTACT),
    Document("an order", "Order", samples.ORDER),
    Document("1,000 rows", "Row", samples.ROWS, many=True),
    Document("8 levels deep", "Node", samples.tree()),
    Document("optional, dates and decimals", "Invoice", samples.INVOICE),
)


def libraries(document: Document) -> Iterator[Library]:
    """Yield every library, ready for this document; orjson alone shows what JSON itself takes."""
    schema: Schema = getattr(as_marshmallow, document.model)(many=document.many)
    yield Library(
        BASELINE, lambda body: schema.load(orjson.loads(body)), lambda value: orjson.dumps(schema.dump(value))
    )
    for name, given in (
        ("framework, schema", schema),
        ("framework, dataclass", _type(as_dataclasses, document)),
    ):
        compiled = validation.compile(given)
        yield Library(name, compiled.load_json, compiled.dump_json)
    yield Library(
        "msgspec", msgspec.json.Decoder(_type(as_msgspec, document)).decode, msgspec.json.Encoder().encode
    )
    adapter = TypeAdapter(_type(as_pydantic, document))
    yield Library("pydantic", adapter.validate_json, adapter.dump_json)
    yield Library("orjson alone", orjson.loads, orjson.dumps)


def _type(models: Any, document: Document) -> Any:
    model: Any = getattr(models, document.model)
    return list.__class_getitem__(model) if document.many else model


def measure(document: Document, rounds: int) -> dict[str, dict[str, float]]:
    """Return the median microseconds of load and dump by library, from interleaved rounds.

    Raises:
        AssertionError: A library does not give back the document that it was given.
    """
    body = orjson.dumps(document.sample)
    actions: dict[tuple[str, str], Callable[[], object]] = {}
    for library in libraries(document):
        value = library.load(body)
        assert orjson.loads(library.dump(value)) == document.sample, (
            f"{library.name} changed: {document.title}"
        )
        actions[library.name, "load"] = lambda library=library: library.load(body)  # type: ignore[misc]
        actions[library.name, "dump"] = lambda library=library, value=value: library.dump(value)  # type: ignore[misc]
    loops = {key: _loops(action) for key, action in actions.items()}
    times: dict[tuple[str, str], list[float]] = {key: [] for key in actions}
    for _ in range(rounds):
        for key, action in actions.items():
            times[key].append(_seconds(action, loops[key]) / loops[key] * 1e6)
    found: dict[str, dict[str, float]] = {}
    for (name, verb), figures in times.items():
        found.setdefault(name, {})[verb] = median(figures)
    return found


def _loops(action: Callable[[], object]) -> int:
    loops = 1
    while (seconds := _seconds(action, loops)) < SECONDS_PER_ROUND / 10:
        loops *= 2
    return max(1, int(loops * SECONDS_PER_ROUND / seconds))


def _seconds(action: Callable[[], object], loops: int) -> float:
    began = time.thread_time()  # the CPU's time: who else is busy on the machine matters less
    for _ in range(loops):
        action()
    return time.thread_time() - began


def table(document: Document, found: dict[str, dict[str, float]]) -> str:
    """Return a Markdown table; a ratio says how many times faster than marshmallow."""
    lines = [f"### {document.title}", "", "| library | load µs | | dump µs | |", "|---|---|---|---|---|"]
    for name, figures in found.items():
        load, dump = figures["load"], figures["dump"]
        faster = (found[BASELINE]["load"] / load, found[BASELINE]["dump"] / dump)
        lines.append(f"| {name} | {load:,.2f} | {faster[0]:.1f}x | {dump:,.2f} | {faster[1]:.1f}x |")
    return "\n".join(lines)


def main() -> None:
    """Measure all documents and print their tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.documents", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds (9)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the medians there")
    options = parser.parse_args()
    results = {}
    for document in DOCUMENTS:
        results[document.title] = measure(document, options.rounds)
        print("\n" + table(document, results[document.title]), flush=True)
    print("\n" + ", ".join(f"{key} {value}" for key, value in machine().items()))
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "medians": results}, indent=1))


if __name__ == "__main__":
    main()
