# ruff: noqa: E501, C901 - source of services, line by line
"""A service for each type in each position, and what it does with values that it must take and must refuse."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import aiohttp
import jsonschema
from aiohttp import web
from jsonschema.validators import Draft202012Validator
from marshmallow import ValidationError
from yarl import URL

from framework import server
from framework.app import ServiceSettings, create_app
from framework.batteries import openapi, problems
from framework.errors import ConfigurationError
from framework.server import ServerSettings
from framework.validation import compile, schema_of
from tests.types_table.cases import IMPORTS, Case
from tests.types_table.records import RECORDS
from tests.types_table.values import VALUES

CASES = [each for each in [*RECORDS, *VALUES] if each.since <= sys.version_info[:2]]
JSON = ("field", "body", "item")
TEXT = ("query", "form", "header", "cookie", "path")
POSITIONS = (*JSON, *TEXT, "return", "message")

_HOLDER = "@dataclass\nclass Holder:\n    value: {annotation}\n"
_SIGNATURES = {
    "field": "body: Holder",
    "body": "body: {annotation}",
    "item": "body: list[{annotation}]",
    "query": "v: {annotation}",
    "form": "form: Holder",
    "header": "v: Annotated[{annotation}, Header('X-V')]",
    "cookie": "v: Annotated[{annotation}, Cookie('v')]",
    "path": "v: {annotation}",
}
_TAKEN = {"field": "body.value", "body": "body", "item": "body[0]", "form": "form.value"}
_SAME = """
def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if type(a) is dict:
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b
"""
_FORMATS = jsonschema.FormatChecker()


@dataclass(frozen=True)
class Cell:
    """What became of a type in a position: ok, lax, part, never, x (refused at start), 500, doc; and of what."""

    verdict: str
    detail: str = ""


def source(case: Case, position: str) -> str:
    """Return the module of a service that takes or answers a type."""
    head = f"{IMPORTS}\nfrom framework import Cookie, Header, RouteTableDef, public\nfrom aiohttp import web\n{case.setup}\n"
    good = [*case.good, *(case.text or {})]
    head += f"{_HOLDER.format(annotation=case.annotation)}\nGOOD = [{', '.join(good)}]\n{_SAME}\nroutes = RouteTableDef()\n"
    if position == "return":
        return head + "".join(
            f"@routes.get('/{number}')\n@public\nasync def handle{number}() -> {case.annotation}:\n"
            f"    return GOOD[{number}]\n"
            for number in range(len(case.good) or 1)
        )
    method, path = (
        ("get", "/{v}")
        if position == "path"
        else ("get" if position in TEXT and position != "form" else "post", "/")
    )
    return head + (
        f"@routes.{method}('{path}')\n@public\nasync def handle({_SIGNATURES[position].format(annotation=case.annotation)}) -> web.Response:\n"
        f"    value = {_TAKEN.get(position, 'v')}\n"
        "    return web.json_response([i for i, each in enumerate(GOOD) if same(each, value)])\n"
    )


def module_of(case: Case, position: str, folder: Path) -> ModuleType:
    """Import the module of a service."""
    name = f"typed_{position}_{abs(hash((case.name, position)))}"
    path = folder / f"{name}.py"
    path.write_text(source(case, position), "utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


async def probe(case: Case, position: str, client: aiohttp.ClientSession) -> Cell:
    """Return what becomes of a type in a position."""
    if (case.name, position) == ("bytes", "body"):
        return Cell("-", "the body as it is")
    with tempfile.TemporaryDirectory() as folder:
        module = module_of(case, position if position != "message" else "field", Path(folder))
        if position == "message":
            return _message(case, module)
        try:
            app = create_app(
                ServiceSettings(), routes=[module.routes], batteries=[problems.battery(), openapi.battery()]
            )
        except ConfigurationError as error:
            return _refusal(case, position, str(error), Path(folder))
        try:
            async with _served(app) as url:
                if position == "return":
                    return await _answers(case, app, url, client)
                return await _requests(case, position, app, url, client)
        except ConfigurationError as error:
            return _refusal(case, position, str(error), Path(folder))


def _refusal(case: Case, position: str, message: str, folder: Path) -> Cell:
    wanted = [str(folder), "handle"]
    if position != "return":
        wanted += [_SIGNATURES[position].partition(":")[0]]
    lacking = [each for each in wanted if each not in message]
    return Cell("x?" if lacking else "x", f"{message} {lacking or ''}")


@asynccontextmanager
async def _served(app: web.Application) -> AsyncIterator[URL]:
    async with server.serve(app, ServerSettings(port=0, drain_seconds=0)) as running:
        yield URL(running.url)


async def _requests(
    case: Case, position: str, app: web.Application, url: URL, client: aiohttp.ClientSession
) -> Cell:
    document = json.loads(openapi.document_of(app))
    good: Sequence[tuple[int, Any]]
    if position in TEXT:
        good = [(len(case.good) + i, text) for i, text in enumerate((case.text or {}).values())]
        bad: Sequence[Any] = case.bad_text if case.text is not None else ["x"]
        if position in (
            "header",
            "cookie",
        ):  # blanks around a value are none of it (RFC 9110, 5.5; RFC 6265, 5.2)
            bad = [text for text in bad if text == text.strip()]
    else:
        good, bad = [*enumerate(case.good.values())], case.bad
    statuses = []
    for number, value in good:
        status, body = await _send(position, url, value, client)
        if status == 200 and number not in json.loads(body):
            return Cell("other", f"{value!r} became another value")
        statuses.append(status)
    if 500 in statuses:
        return Cell("500", f"{[value for _, value in good]} {statuses}")
    if any(status != 200 for status in statuses):
        refused = [value for (_, value), status in zip(good, statuses, strict=True) if status != 200]
        return Cell("part" if 200 in statuses else "never", f"{refused} {statuses}")
    for value in bad:
        status, _ = await _send(position, url, value, client)
        if status != 422:
            return Cell("500" if status == 500 else "lax", f"{value!r} {status}")
    if position in JSON:
        return _documented(position, document, [value for _, value in good], bad)
    return Cell("ok" if good else "-")


async def _send(position: str, url: URL, value: Any, client: aiohttp.ClientSession) -> tuple[int, bytes]:
    method = "GET"
    options: dict[str, Any] = {}
    if position in JSON:
        method, options = (
            "POST",
            {
                "data": json.dumps(_wrapped(position, value)),
                "headers": {"Content-Type": "application/json"},
            },
        )
    elif position == "query":
        url = url.with_query([("v", each) for each in _several(value)])
    elif position == "form":
        method, options = "POST", {"data": [("value", each) for each in _several(value)]}
    elif position == "header":
        text = value if isinstance(value, str) else ", ".join(value)
        options = {"headers": {"X-V": text.encode("utf-8").decode("latin-1") if not text.isascii() else text}}
    elif position == "cookie":
        options = {"headers": {"Cookie": f"v={value if isinstance(value, str) else ','.join(value)}"}}
    else:
        segment = quote(value if isinstance(value, str) else ",".join(value), safe="")
        url = URL(str(url).rstrip("/") + f"/{segment}", encoded=True)
    async with client.request(method, url, **options) as response:
        return response.status, await response.read()


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def _wrapped(position: str, value: Any) -> Any:
    return {"value": value} if position == "field" else [value] if position == "item" else value


def _documented(position: str, document: Any, good: Sequence[Any], bad: Sequence[Any]) -> Cell:
    operation = next(iter(next(iter(document["paths"].values())).values()))
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    accepts = _validator(schema, document)
    for value in good:
        if not accepts.is_valid(_wrapped(position, value)):
            return Cell("doc-", f"{value!r} {schema}")
    for value in bad:
        if accepts.is_valid(_wrapped(position, value)):
            return Cell("doc+", f"{value!r} {schema}")
    return Cell("ok")


def _validator(schema: Any, document: Any) -> Draft202012Validator:
    whole = {"allOf": [schema], "components": document.get("components", {})}
    return Draft202012Validator(whole, format_checker=_FORMATS)


async def _answers(case: Case, app: web.Application, url: URL, client: aiohttp.ClientSession) -> Cell:
    document = json.loads(openapi.document_of(app))
    for number, (expression, sent) in enumerate(case.good.items()):
        wanted = case.out.get(expression, sent)
        async with client.get(url / str(number)) as response:
            body = await response.read()
            if response.status == 204 and wanted is None:
                continue
            if response.status != 200:
                return Cell("500", f"{expression} {response.status}")
        if json.loads(body) != wanted:
            return Cell("other", f"{expression} {body!r}")
        content = document["paths"][f"/{number}"]["get"]["responses"]["200"].get("content", {})
        if not _validator(content.get("application/json", {}).get("schema", {}), document).is_valid(wanted):
            return Cell("doc-", f"{wanted!r} {content}")
    return Cell("ok")


def _message(case: Case, module: ModuleType) -> Cell:
    """Read a WebSocket's message, and write one, as a handler would."""
    annotation = eval(case.annotation, vars(module))
    try:
        compiled = compile(schema_of(annotation))
        load, dump = compiled.load_json, compiled.dump_json
    except ConfigurationError as error:
        return Cell("x", str(error))
    for number, (expression, value) in enumerate(case.good.items()):
        try:
            found = load(json.dumps(value).encode())
        except (ValueError, ValidationError) as error:
            return Cell("part", f"{value!r} {error}")
        if not module.same(found, module.GOOD[number]):
            return Cell("other", f"{value!r} {found!r}")
        if json.loads(dump(module.GOOD[number])) != case.out.get(expression, value):
            return Cell("other", f"{expression} {dump(found)!r}")
    for value in case.bad:
        try:
            load(json.dumps(value).encode())
        except (ValueError, ValidationError):
            continue
        return Cell("lax", repr(value))
    return Cell("ok")


def table(cells: dict[tuple[str, str], Cell]) -> Iterator[str]:
    """Yield the lines of the table, and how many cells there are of each kind."""
    yield f"{'type':44}" + "".join(f"{position:9}" for position in POSITIONS)
    for name in dict.fromkeys(name for name, _ in cells):
        yield f"{name[:43]:44}" + "".join(f"{cells[name, position].verdict:9}" for position in POSITIONS)
    for position in POSITIONS:
        found = [cell.verdict for (_, where), cell in cells.items() if where == position]
        yield f"{position}: " + ", ".join(f"{found.count(each)} {each}" for each in sorted({*found}))
