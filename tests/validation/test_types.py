"""Types that stand in JSON as text: each loads, dumps, and is described the same wherever it stands."""

from __future__ import annotations

import dataclasses
import ipaddress
import pathlib
import zoneinfo
from enum import Enum
from typing import Any

import aiohttp
import orjson
import pytest
from marshmallow import ValidationError

from framework import ConfigurationError, RouteTableDef, create_app, public
from framework.testing import Serve
from framework.validation import compile, schema_of

TYPES = [
    (ipaddress.IPv4Address, "192.0.2.1", ["192.0.2", "::1", "192.0.2.1/8", "192.0.2.01", 1, ""]),
    (ipaddress.IPv6Address, "2001:db8::1", ["192.0.2.1", ":::", 1, ""]),
    (ipaddress.IPv4Network, "192.0.2.0/24", ["192.0.2.1/24", "192.0.2.0/33", "2001:db8::/32", 1, ""]),
    (ipaddress.IPv6Network, "2001:db8::/32", ["2001:db8::1/32", "192.0.2.0/24", 1]),
    (ipaddress.IPv4Interface, "192.0.2.1/24", ["192.0.2.1/33", "::1/8", ""]),
    (ipaddress.IPv6Interface, "2001:db8::1/32", ["2001:db8::1/129", "192.0.2.1/24"]),
    (pathlib.Path, "a/b.txt", ["", "a\0b", 1, []]),
    (pathlib.PurePosixPath, "/etc/x", ["", 1]),
    (bytes, "AP8=", ["AP8", "AP8 =", "A-8_", "é", "=", 1]),
    (
        zoneinfo.ZoneInfo,
        "Europe/Paris",
        ["Europe/Nowhere", "Europe", "../etc/passwd", "/etc/localtime", "", 1],
    ),
]
VALUES = {bytes: b"\x00\xff"}
CASES = [pytest.param(*case, id=case[0].__name__) for case in TYPES]


def holder(annotation: Any) -> Any:
    return dataclasses.make_dataclass(
        "Holder", [("value", annotation), ("more", list[annotation]), ("none", annotation | None, None)]
    )


def value_of(annotation: Any, text: str) -> Any:
    return VALUES.get(annotation) or annotation(text)


@pytest.mark.guarantee("compiled validation")
@pytest.mark.parametrize(("annotation", "text", "wrong"), CASES)
def test_a_type_loads_and_dumps_what_it_loaded(annotation: Any, text: str, wrong: list[Any]) -> None:
    compiled = compile(holder(annotation))
    document = {"value": text, "more": [text], "none": None}

    loaded = compiled.load_json(orjson.dumps(document))

    assert loaded.value == loaded.more[0] == value_of(annotation, text)
    assert isinstance(loaded.value, annotation)
    assert orjson.loads(compiled.dump_json(loaded)) == document == compiled.dump(loaded)
    assert compiled.schema.load(document) == loaded
    assert compiled.schema.dump(loaded) == document
    assert "marshmallow" not in compiled.explain()


@pytest.mark.parametrize(("annotation", "text", "wrong"), CASES)
def test_other_text_is_refused_as_the_field_refuses_it(annotation: Any, text: str, wrong: list[Any]) -> None:
    compiled = compile(holder(annotation))

    for each in wrong:
        messages = []
        for load in (compiled.load, compiled.schema.load):
            with pytest.raises(ValidationError) as caught:
                load({"value": each, "more": []})
            messages.append(caught.value.messages)
        assert messages[0] == messages[1]
        assert list(messages[0]) == ["value"]


@pytest.mark.parametrize(("annotation", "text", "wrong"), CASES)
def test_a_type_is_read_from_text_too(annotation: Any, text: str, wrong: list[Any]) -> None:
    compiled = compile(schema_of(holder(annotation), text=True))

    loaded = compiled.load({"value": text, "more": [text], "none": ""})

    assert loaded.value == loaded.more[0] == value_of(annotation, text)
    assert loaded.none is None


def test_a_field_of_such_a_type_may_be_the_key_of_a_dict() -> None:
    counts = dataclasses.make_dataclass("Counts", [("hits", dict[ipaddress.IPv4Address, int])])

    loaded = compile(counts).load_json(b'{"hits": {"192.0.2.1": 1}}')

    assert loaded.hits == {ipaddress.IPv4Address("192.0.2.1"): 1}
    assert compile(counts).dump_json(loaded) == b'{"hits":{"192.0.2.1":1}}'


@dataclasses.dataclass
class Host:
    address: ipaddress.IPv4Address
    network: ipaddress.IPv6Network
    folder: pathlib.PurePosixPath
    key: bytes
    zone: zoneinfo.ZoneInfo


@dataclasses.dataclass
class Filter:
    network: ipaddress.IPv4Network
    zone: zoneinfo.ZoneInfo | None = None


HOST = {
    "address": "192.0.2.1",
    "network": "2001:db8::/32",
    "folder": "/srv/a",
    "key": "AP8=",
    "zone": "Europe/Paris",
}
routes = RouteTableDef()


@routes.post("/hosts")
@public
async def add(body: Host) -> Host:
    """Return what was read."""
    return body


@routes.get("/hosts/{address}")
@public
async def find(address: ipaddress.IPv4Address, query: Filter) -> dict[str, Any]:
    """Return what was read."""
    return {"inside": address in query.network, "zone": str(query.zone)}


async def test_bodies_paths_queries_and_the_document_agree(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(create_app(routes=[routes]))

    added = await client.post(url / "hosts", json=HOST)
    found = await client.get(url / "hosts/192.0.2.1" % {"network": "192.0.2.0/24", "zone": "UTC"})
    refused = await client.get(url / "hosts/192.0.2" % {"network": "192.0.2.1/24"})
    document = await (await client.get(url / "openapi.json")).json()

    assert await added.json() == HOST
    assert await found.json() == {"inside": True, "zone": "UTC"}
    assert refused.status == 422
    assert {each["pointer"] for each in (await refused.json())["errors"]} == {"/address", "/network"}
    properties = document["components"]["schemas"]["Host"]["properties"]
    assert properties == {
        "address": {"type": "string", "format": "ipv4"},
        "network": {
            "type": "string",
            "format": "ip-network",
            "pattern": r"^[0-9A-Fa-f:.]{2,45}(/[0-9.]{1,15})?$",
        },
        "folder": {"type": "string", "format": "path", "minLength": 1},
        "key": {
            "type": "string",
            "contentEncoding": "base64",
            "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
        },
        "zone": {"type": "string", "format": "time-zone"},
    }


def test_members_that_are_no_text_are_refused_as_keys_of_an_object() -> None:
    class Corner(Enum):
        NEAR = (0, 0)
        FAR = (1, 1)

    with pytest.raises(ConfigurationError) as caught:
        schema_of(dict[Corner, int])

    assert "the keys of an object are text, which a member of" in str(caught.value)
    assert "take one whose values are text or numbers" in str(caught.value)
