"""``framework openapi --diff`` tells what breaks clients."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from framework.cli import main
from framework.cli.contracts import changes

Edit = Callable[[Any], None]

ITEM = {"$ref": "#/components/schemas/Item"}
OLD: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "paths": {
        "/items/{item_id}": {
            "get": {
                "operationId": "get_item",
                "parameters": [
                    {"in": "path", "name": "item_id", "required": True, "schema": {"type": "integer"}},
                    {"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 100}},
                    {"in": "header", "name": "X-Tenant", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {
                        "headers": {"ETag": {"schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": ITEM}},
                    },
                    "404": {"content": {"application/problem+json": {"schema": {"type": "object"}}}},
                },
            },
        },
        "/items": {
            "post": {
                "operationId": "add_item",
                "security": [{"bearer": ["items:write"]}, {"cookie": []}],
                "requestBody": {"required": False, "content": {"application/json": {"schema": ITEM}}},
                "responses": {"201": {"content": {"application/json": {"schema": ITEM}}}},
            }
        },
    },
    "components": {
        "schemas": {
            "Item": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 10},
                    "colour": {"type": "string", "enum": ["red", "blue"]},
                    "size": {"type": ["integer", "null"]},
                    "price": {"anyOf": [{"type": "integer"}, {"type": "string", "format": "decimal"}]},
                    "parts": {"type": "array", "items": ITEM},
                },
                "required": ["name"],
            }
        }
    },
}


def get(document: Any) -> Any:
    return document["paths"]["/items/{item_id}"]["get"]


def post(document: Any) -> Any:
    return document["paths"]["/items"]["post"]


def properties(document: Any) -> Any:
    return document["components"]["schemas"]["Item"]["properties"]


def only_answered(document: Any) -> None:
    del document["paths"]["/items"]


def only_taken(document: Any) -> None:
    del document["paths"]["/items/{item_id}"]
    post(document)["responses"] = {"204": {}}


BREAKING: list[Any] = [
    pytest.param(lambda new: new["paths"].pop("/items"), "POST /items: is not there", id="path gone"),
    pytest.param(
        lambda new: new["paths"]["/items"].pop("post"), "POST /items: is not there", id="method gone"
    ),
    pytest.param(
        lambda new: get(new)["parameters"][1].update(required=True), "'limit' is required now", id="required"
    ),
    pytest.param(
        lambda new: get(new)["parameters"].append(
            {"in": "query", "name": "q", "required": True, "schema": {"type": "string"}}
        ),
        "'q' is new and required",
        id="new and required",
    ),
    pytest.param(
        lambda new: get(new)["parameters"].pop(1), "'limit' is not taken any more", id="parameter gone"
    ),
    pytest.param(
        lambda new: get(new)["parameters"][1]["schema"].update(maximum=50),
        "its maximum is 50, was 100",
        id="maximum",
    ),
    pytest.param(
        lambda new: get(new)["parameters"][0]["schema"].update(type="string", format="uuid"),
        "integer is not taken any more",
        id="type of a path's variable",
    ),
    pytest.param(
        lambda new: post(new)["requestBody"].update(required=True), "needs its body now", id="body required"
    ),
    pytest.param(
        lambda new: post(new).update(security=[{"bearer": ["items:write", "items:admin"]}, {"cookie": []}]),
        "needs ",
        id="another scope",
    ),
    pytest.param(
        lambda new: get(new).update(security=[{"bearer": []}]),
        "needs bearer; nothing sufficed",
        id="no more public",
    ),
    pytest.param(lambda new: post(new)["security"].pop(), "cookie sufficed", id="a way in less"),
    pytest.param(
        lambda new: get(new)["responses"].pop("200"), "does not answer 200 any more", id="success gone"
    ),
    pytest.param(
        lambda new: get(new)["responses"]["200"]["headers"].pop("ETag"),
        "sends no ETag with 200",
        id="header gone",
    ),
    pytest.param(
        lambda new: get(new)["responses"]["200"].update(content={"text/csv": {}}),
        "does not answer 200 as application/json",
        id="media type gone",
    ),
    pytest.param(
        lambda new: properties(new).pop("colour"), "'colour' in the answer 200 is gone", id="field gone"
    ),
    pytest.param(
        lambda new: new["components"]["schemas"]["Item"].update(required=["name", "colour"]),
        "'colour' in the body is required now",
        id="field required",
    ),
    pytest.param(
        lambda new: new["components"]["schemas"]["Item"].update(required=[]),
        "'name' in the answer 200 is not always there",
        id="field optional",
    ),
    pytest.param(
        lambda new: properties(new)["colour"]["enum"].pop(), "'blue' is not taken any more", id="value gone"
    ),
    pytest.param(
        lambda new: properties(new)["colour"]["enum"].append("green"),
        "'green' is new, and clients",
        id="value new",
    ),
    pytest.param(
        lambda new: properties(new)["colour"].pop("enum"), "any other value is new", id="values open"
    ),
    pytest.param(
        lambda new: properties(new)["size"].update(type="integer"), "null is not taken", id="null refused"
    ),
    pytest.param(
        lambda new: properties(new)["size"].update(type=["integer", "null", "string"]),
        "string is new",
        id="type new",
    ),
    pytest.param(
        lambda new: properties(new)["name"].update(minLength=2), "its minLength is 2, was 1", id="longer"
    ),
    pytest.param(
        lambda new: properties(new)["name"].pop("maxLength"), "its maxLength is none, was 10", id="unbounded"
    ),
    pytest.param(
        lambda new: properties(new)["name"].update(pattern="^a"), "its pattern is ^a, was none", id="pattern"
    ),
    pytest.param(
        lambda new: properties(new)["price"]["anyOf"].pop(0),
        "integer is not taken any more",
        id="member of a union gone",
    ),
    pytest.param(
        lambda new: properties(new)["price"]["anyOf"].append({"type": "boolean"}),
        "boolean is new",
        id="member new",
    ),
    pytest.param(
        lambda new: properties(new)["parts"].update(items={"type": "string"}),
        "object is not taken",
        id="items",
    ),
]

BREAKING += [
    pytest.param(
        lambda new: properties(new).update(colour=False), "'red', 'blue' is not taken any more", id="never"
    ),
    pytest.param(
        lambda new: properties(new)["parts"].pop("items"), "of 'parts' in the answer 200", id="any items"
    ),
    pytest.param(
        lambda new: properties(new)["parts"].update(uniqueItems=True),
        "its uniqueItems is True, was none",
        id="unique",
    ),
    pytest.param(lambda new: properties(new)["name"].update({"not": {"const": "x"}}), "its not is", id="not"),
    pytest.param(
        lambda new: properties(new)["name"].update(readOnly=True), "is taken no more", id="read only"
    ),
    pytest.param(
        lambda new: get(new)["parameters"][1].update(explode=False), "its explode changed", id="explode"
    ),
    pytest.param(
        lambda new: new.update(servers=[{"url": "https://a.example/v2"}]), "the first is /v2", id="base path"
    ),
]

HARMLESS: list[Any] = [
    pytest.param(
        lambda new: properties(new).update(size={"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        [],
        id="null as a type",
    ),
    pytest.param(lambda new: properties(new)["colour"].pop("type"), [], id="values without their type"),
    pytest.param(lambda new: properties(new).update(name={**properties(new)["name"]}), [], id="a copy"),
    pytest.param(
        lambda new: get(new)["parameters"][1].update(schema={"type": "integer", "exclusiveMaximum": 101}),
        [],
        id="an exclusive bound",
    ),
    pytest.param(
        lambda new: get(new)["responses"].update({"2XX": get(new)["responses"].pop("200")}),
        ["may answer 2XX"],
        id="a range of statuses",
    ),
    pytest.param(lambda new: None, [], id="nothing"),
    pytest.param(
        lambda new: new["paths"].update({"/more": {"get": {"responses": {}}}}),
        ["GET /more: is new"],
        id="path",
    ),
    pytest.param(
        lambda new: new["paths"].update({"/items/{number}": new["paths"].pop("/items/{item_id}")}),
        [],
        id="variable",
    ),
    pytest.param(
        lambda new: get(new)["parameters"].append({"in": "query", "name": "q", "schema": {}}),
        ["'q' is new"],
        id="optional",
    ),
    pytest.param(lambda new: get(new)["parameters"][1]["schema"].pop("maximum"), [], id="wider parameter"),
    pytest.param(
        lambda new: get(new)["parameters"][1]["schema"].update(type="number"), [], id="numbers for integers"
    ),
    pytest.param(lambda new: get(new)["parameters"][2].update(name="x-tenant"), [], id="case of a header"),
    pytest.param(
        lambda new: get(new)["responses"].update({"410": {}}), ["may answer 410"], id="another error"
    ),
    pytest.param(lambda new: get(new)["responses"].pop("404"), ["does not answer 404"], id="an error less"),
    pytest.param(lambda new: get(new).update(deprecated=True), ["is deprecated"], id="deprecated"),
    pytest.param(lambda new: get(new).update(operationId="show"), ["is called show"], id="name"),
    pytest.param(lambda new: post(new)["security"].append({}), [], id="public now"),
    pytest.param(
        lambda new: post(new)["requestBody"]["content"].update({"text/csv": {}}),
        [],
        id="another media type taken",
    ),
]


@pytest.mark.parametrize(("edit", "told"), BREAKING)
def test_what_breaks_clients_is_told(edit: Edit, told: str) -> None:
    new = copy.deepcopy(OLD)
    edit(new)

    breaking = [str(each) for each in changes(OLD, new) if each.breaks]

    assert any(told in each for each in breaking), breaking


@pytest.mark.parametrize(("edit", "told"), HARMLESS)
def test_what_breaks_nobody_is_no_more_than_told(edit: Edit, told: list[str]) -> None:
    new = copy.deepcopy(OLD)
    edit(new)

    found = [str(each) for each in changes(OLD, new)]

    assert [each for each in found if each.startswith("breaks")] == []
    assert len(found) == len(told)
    assert all(part in each for part, each in zip(told, found, strict=True))


@pytest.mark.parametrize(
    ("side", "edit"),
    [
        pytest.param(
            only_answered, lambda new: properties(new)["name"].update(maxLength=5), id="answers are narrower"
        ),
        pytest.param(only_answered, lambda new: properties(new).update(more={}), id="answers have more"),
        pytest.param(only_answered, lambda new: properties(new)["colour"]["enum"].pop(), id="fewer values"),
        pytest.param(
            only_taken, lambda new: properties(new)["name"].update(maxLength=50), id="bodies are wider"
        ),
        pytest.param(
            only_taken, lambda new: properties(new)["colour"].pop("enum"), id="bodies have more values"
        ),
        pytest.param(only_taken, lambda new: properties(new).update(more={}), id="bodies may have more"),
        pytest.param(
            only_taken,
            lambda new: new["components"]["schemas"]["Item"].update(required=[]),
            id="bodies need less",
        ),
    ],
)
def test_each_direction_has_its_own_rules(side: Edit, edit: Edit) -> None:
    old = copy.deepcopy(OLD)
    side(old)
    new = copy.deepcopy(old)
    edit(new)

    assert [str(each) for each in changes(old, new) if each.breaks] == []


SERVICE = '''
from framework import RouteTableDef, public

routes = RouteTableDef()


@routes.get("/items")
@public
async def items(limit: int = 10) -> list[str]:
    """List them."""
    return []
'''


def test_the_command_fails_where_something_breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "listing.py").write_text(SERVICE)
    now = CliRunner().invoke(main, ["openapi", "listing"])
    (tmp_path / "same.json").write_text(now.stdout)
    before = json.loads(now.stdout)
    before["paths"]["/old"] = before["paths"]["/items"]
    (tmp_path / "old.json").write_text(json.dumps(before))
    (tmp_path / "other.json").write_text("{}")

    same = CliRunner().invoke(main, ["openapi", "listing", "--diff", "same.json"])
    broken = CliRunner().invoke(main, ["openapi", "listing", "--diff", "old.json"])
    other = CliRunner().invoke(main, ["openapi", "listing", "--diff", "other.json"])

    assert (same.exit_code, same.stdout) == (0, "")
    assert (broken.exit_code, broken.stdout) == (1, "breaks: GET /old: is not there any more\n")
    assert other.exit_code == 1
    assert "other.json: no OpenAPI document of version 3." in other.output
