"""Typed clients of services whose types are awkward."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import pytest
from marshmallow.validate import Range

from framework import Header, Result, RouteTableDef, create_app, public, validation
from framework.batteries.client import ClientSettings, connected
from framework.batteries.openapi import document_of
from framework.cli.clients.modules import module_of
from framework.errors import Conflict
from framework.marks import raises
from framework.testing import Serve
from tests.cli.processes import framework, python

routes = RouteTableDef()
ID = UUID("3f0c8b5e-6d0f-4c3a-9a51-0f2f6f1f7d10")


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Tree:
    name: str
    children: list[Tree] = field(default_factory=list)


@dataclass
class Cat:
    kind: Literal["cat"]
    lives: int


@dataclass
class Dog:
    kind: Literal["dog"]
    name: str | None


Odd = TypedDict("Odd", {"class": str, "from-here": int})


@dataclass
class Awkward:
    pet: Cat | Dog
    color: Color
    day: date
    at: datetime
    price: Decimal
    raw: bytes
    by_id: dict[str, Cat]
    pair: tuple[int, str]
    anything: Any
    note: str | None


class SoldOut(Conflict):
    """Nothing is left."""

    type = "https://example.org/problems/sold-out"


@routes.post("/trees")
@public
async def plant(body: Tree) -> Tree:
    return body


@routes.post("/awkward")
@public
async def awkward(body: Awkward) -> Awkward:
    return body


@routes.post("/odd")
@public
async def odd(body: Odd) -> Odd:
    return body


@routes.get("/search")
@public
async def search(
    ids: list[UUID] | None = None,
    limit: Annotated[int, Range(1, 100)] = 20,
    tenant: Annotated[str, Header("X-Tenant")] = "none",
) -> list[str]:
    return [*map(str, ids or ()), str(limit), tenant]


@routes.post("/sell")
@public
@raises(SoldOut)
async def sell() -> Result[int]:
    raise SoldOut("All gone.")


def made() -> tuple[Any, str]:
    app = create_app(routes=[routes])
    return app, module_of(validation.decode(document_of(app)))


def imported(text: str, folder: Path) -> Any:
    path = folder / "awkward_client.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location("awkward_client", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["awkward_client"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_awkward_values_come_back_as_they_were_sent(serve: Serve, tmp_path: Path) -> None:
    app, text = made()
    module, url = imported(text, tmp_path), await serve(app)
    tree = {"name": "a", "children": [{"name": "b", "children": []}]}
    value = module.Awkward(
        pet=module.Dog(kind="dog", name=None),
        color="red",
        day=date(2026, 2, 28),
        at=datetime(2026, 2, 28, 12, tzinfo=UTC),
        price=Decimal("0.10"),
        raw=b"\x00\xff",
        by_id={"a": module.Cat(kind="cat", lives=9)},
        pair=(1, "x"),
        anything={"deep": [1, None]},
        note=None,
    )

    async with connected(ClientSettings(allow=("127.0.0.1",))) as http:
        client = module.Client(http, url)
        assert await client.plant(tree) == tree
        assert await client.awkward(value) == value
        assert await client.odd({"class": "c", "from-here": 1}) == {"class": "c", "from-here": 1}
        assert await client.search() == ["20", "none"]
        assert await client.search(ids=[ID], limit=3, x_tenant="a") == [str(ID), "3", "a"]
        with pytest.raises(module.SoldOutProblem) as sold:
            await client.sell()

    assert (sold.value.status, str(sold.value)) == (409, "All gone.")


@pytest.mark.process
def test_the_module_has_types_that_mypy_takes_and_is_always_the_same(tmp_path: Path) -> None:
    document = tmp_path / "openapi.json"
    document.write_bytes(document_of(made()[0]))

    written = [
        framework("client", "python", str(document), "--output", f"awkward{n}.py", cwd=tmp_path)
        for n in (1, 2)
    ]
    judged = python("-m", "mypy", "--strict", "awkward1.py", cwd=tmp_path)

    assert [each.returncode for each in written] == [0, 0], written[0].stderr
    assert (tmp_path / "awkward1.py").read_text() == (tmp_path / "awkward2.py").read_text()
    assert judged.returncode == 0, judged.stdout
