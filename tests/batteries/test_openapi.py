"""The document says what the endpoints do, and a validator agrees that it is OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, make_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from marshmallow import Schema, fields
from marshmallow.validate import Email, Length, Range, Regexp
from openapi_spec_validator import OpenAPIV31SpecValidator

from framework.app import ServiceSettings, create_app
from framework.batteries import auth, openapi, problems
from framework.batteries.openapi import OpenAPISettings
from framework.batteries.openapi.paths import Templates
from framework.batteries.openapi.schemas import DECIMAL, SPAN
from framework.battery import Battery
from framework.endpoint import Renders
from framework.errors import ConfigurationError
from framework.forms import Form, UploadedFile
from framework.marks import authenticated, public, requires, undocumented
from framework.principal import Principal
from framework.responses import Result
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.services import provide
from framework.testing import Serve
from framework.validation import Partial

AUTH = (
    Battery(name="sessions"),
    auth.battery(auth.AuthSettings(keys=(Secret("0123456789abcdef" * 2),)), profile=Profile.development),
)

TEXT = {"type": "string", "pattern": r"^[^\u0000]*$"}


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class Tag:
    name: Annotated[str, Length(1, 20)]


@dataclass
class Draft:
    """A note to be."""

    title: Annotated[str, Length(1, 100), {"description": "What it is about."}]
    tags: list[Tag]
    price: Annotated[Decimal, Range(min=Decimal("0.01"))]
    colour: Colour = Colour.RED
    parent: Tag | None = None


@dataclass
class Note:
    id: UUID
    title: str
    day: date
    parent: Note | None = None


class Cursor(fields.Field[str]):
    """Be a field of which nobody knows the type."""


@dataclass
class Page:
    limit: Annotated[int, Range(1, 100)] = 20
    tag: list[str] | None = None
    cursor: Annotated[str | None, Cursor()] = None


@dataclass
class Sent:
    x_api_version: int
    accept_language: str | None = None


@dataclass
class Kept:
    theme: Literal["light", "dark"] = "light"


@dataclass
class Upload:
    title: str
    document: UploadedFile


@dataclass
class Registration:
    email: Annotated[str, Email()]
    age: int | None = None


class Count(TypedDict):
    count: int


class ReportSchema(Schema):
    name = fields.String(required=True)
    link = fields.URL()
    rows = fields.List(fields.Nested("RowSchema"))


class RowSchema(Schema):
    value = fields.Integer(strict=True, dump_only=True)


class Store:
    pass


notes = RouteTableDef(prefix="/notes", tags=["notes"])


@notes.get("")
@public
async def list_notes(query: Page, headers: Sent, cookies: Kept) -> list[Note]:
    """List the notes.

    The newest come first.
    """
    raise AssertionError


@notes.post("", status=201)
@requires("notes:write")
async def add_note(body: Draft, principal: Principal, store: Store) -> Result[Note]:
    """Add a note."""
    raise AssertionError


@notes.get("/{note_id}", name="note")
@authenticated
async def get_note(note_id: UUID) -> Note | None:
    raise AssertionError


@notes.patch("/{id}")
@requires("notes:write", "notes:read")
async def change_note(id: UUID, body: Partial[Draft]) -> Note:
    raise AssertionError


@notes.delete("/{note_id}")
@requires("notes:write")
async def remove_note(note_id: UUID) -> None:
    raise AssertionError


@notes.post("/{note_id}/files")
@authenticated
async def add_file(note_id: UUID, form: Upload) -> Count:
    raise AssertionError


other = RouteTableDef()


@other.post("/register")
@public
async def register(form: Form[Registration]) -> web.Response:
    raise AssertionError


@other.post("/reports", body=ReportSchema, returns=ReportSchema(many=True))
@public
async def add_report(body: dict[str, Any]) -> Any:
    raise AssertionError


@other.get(r"/files/{name:[a-z]{2,8}\.txt}")
@public
async def download(request: web.Request) -> web.FileResponse:
    raise AssertionError


@other.get("/chat")
@public
async def chat(request: web.Request) -> web.WebSocketResponse:
    raise AssertionError


@other.put("/raw")
@public
async def put_raw(body: bytes) -> dict[str, int]:
    raise AssertionError


@other.post("/anything")
@public
async def anything(body: Any) -> dict[str, Any]:
    raise AssertionError


@other.route("*", "/proxy")
@public
async def proxy(request: web.Request) -> web.StreamResponse:
    raise AssertionError


@other.get("/hidden")
@undocumented
@public
async def hidden() -> None:
    raise AssertionError


class Shown(Renders):
    async def render(self, request: web.Request, value: Any) -> web.Response:
        raise AssertionError


@other.get("/page")
@Shown()
@public
async def page() -> dict[str, Any]:
    """Show a page."""
    raise AssertionError


@other.view("/view")
class Things(web.View):
    async def get(self) -> web.Response:
        """Show the things."""
        raise AssertionError

    async def post(self) -> web.Response:
        """Add a thing."""
        raise AssertionError


def service(
    *routes: Any, settings: OpenAPISettings | None = None, batteries: Sequence[Battery] = AUTH
) -> web.Application:
    return create_app(
        ServiceSettings(),
        routes=routes,
        batteries=[problems.battery(), *batteries, provide(Store), openapi.battery(settings)],
    )


async def document_of(serve: Serve, client: aiohttp.ClientSession, *routes: Any, **options: Any) -> Any:
    url = await serve(service(*routes, **options))
    async with client.get(url / "openapi.json") as response:
        return await response.json()


def resolved(document: Any, schema: Any) -> Any:
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="as it is"),
        pytest.param(
            {"settings": OpenAPISettings(description="x", servers=("/",), tags={"notes": "Notes."})},
            id="with all",
        ),
        pytest.param({"batteries": ()}, id="nobody known"),
    ],
)
async def test_a_validator_finds_no_fault(
    serve: Serve, client: aiohttp.ClientSession, options: dict[str, Any]
) -> None:
    routes = RouteTableDef()

    @routes.post("/kinds")
    @public
    async def kinds(body: Kinds) -> Kinds:
        raise AssertionError

    batteries = options.get("batteries", AUTH)
    tables = (other, routes) if batteries == () else (notes, other, routes)

    document = await document_of(serve, client, *tables, **options)

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


async def test_the_document_has_every_endpoint_but_itself_pages_and_hidden_ones(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    document = await document_of(serve, client, notes, other)

    operations = {f"{method} {path}" for path, item in document["paths"].items() for method in item}
    assert operations == {
        "get /notes",
        "post /notes",
        "get /notes/{note_id}",
        "patch /notes/{note_id}",
        "delete /notes/{note_id}",
        "post /notes/{note_id}/files",
        "post /register",
        "post /reports",
        "get /files/{name}",
        "put /raw",
        "post /anything",
        *(f"{method} /proxy" for method in ("get", "put", "post", "patch", "delete")),
        "get /view",
        "post /view",
    }
    assert document["openapi"] == "3.1.0"


async def test_head_and_settings_stand_in_the_document(serve: Serve, client: aiohttp.ClientSession) -> None:
    settings = OpenAPISettings(
        title="Shop",
        version="2.1",
        description="Sells.",
        servers=("https://shop.example",),
        tags={"other": "All."},
    )

    document = await document_of(serve, client, other, settings=settings)

    assert document["info"] == {"title": "Shop", "version": "2.1", "description": "Sells."}
    assert document["servers"] == [{"url": "https://shop.example"}]


async def test_an_operation_is_named_summarised_and_tagged(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    document = await document_of(serve, client, notes, other)

    listing, views = document["paths"]["/notes"]["get"], document["paths"]["/view"]
    assert listing["operationId"] == "list_notes"
    assert (listing["summary"], listing["description"]) == ("List the notes", "The newest come first.")
    assert listing["tags"] == ["notes"]
    assert document["paths"]["/notes/{note_id}"]["get"]["operationId"] == "note"
    assert [(views[m]["operationId"], views[m]["summary"]) for m in ("get", "post")] == [
        ("Things_get", "Show the things"),
        ("Things_post", "Add a thing"),
    ]


async def test_handlers_of_one_name_get_different_ids(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = RouteTableDef()
    for path in ("/a", "/b", "/c"):

        async def same() -> None:
            raise AssertionError

        routes.get(path)(public(same))

    document = await document_of(serve, client, routes)

    assert [item["get"]["operationId"] for item in document["paths"].values()] == [
        "same_get_a",
        "same_get_b",
        "same_get_c",
    ]


async def test_parameters_are_described(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client, notes)

    parameters = {
        (each["in"], each["name"]): each for each in document["paths"]["/notes"]["get"]["parameters"]
    }
    assert parameters.keys() == {
        ("query", "limit"),
        ("query", "tag"),
        ("query", "cursor"),
        ("header", "x-api-version"),
        ("header", "accept-language"),
        ("cookie", "theme"),
    }
    limit = parameters["query", "limit"]
    assert limit["required"] is False
    assert limit["schema"] == {"type": "integer", "default": 20, "minimum": 1, "maximum": 100}
    assert parameters["query", "cursor"]["schema"] == {"type": "string"}
    assert parameters["query", "tag"]["schema"]["items"] == TEXT
    assert parameters["header", "x-api-version"]["required"] is True
    assert parameters["cookie", "theme"]["schema"]["enum"] == ["light", "dark"]


async def test_path_parameters_have_the_type_or_the_pattern_of_the_route(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    document = await document_of(serve, client, notes, other)

    (note_id,) = document["paths"]["/notes/{note_id}"]["get"]["parameters"]
    (name,) = document["paths"]["/files/{name}"]["get"]["parameters"]
    assert note_id == {
        "in": "path",
        "name": "note_id",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    }
    assert name["schema"] == {"type": "string", "pattern": r"^(?:[a-z]{2,8}\.txt)$"}


async def test_paths_of_one_shape_are_one_path(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client, notes)

    changed = document["paths"]["/notes/{note_id}"]["patch"]
    assert [each["name"] for each in changed["parameters"]] == ["note_id"]


async def test_a_body_is_described_by_its_type(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client, notes)

    body = document["paths"]["/notes"]["post"]["requestBody"]
    draft = resolved(document, body["content"]["application/json"]["schema"])
    assert body["required"] is True
    assert draft["required"] == ["price", "tags", "title"]
    assert draft["additionalProperties"] is False
    assert draft["properties"] == {
        "title": {**TEXT, "minLength": 1, "maxLength": 100, "description": "What it is about."},
        "tags": {"type": "array", "items": {"$ref": "#/components/schemas/Tag"}},
        "price": {"type": "string", "format": "decimal", "pattern": DECIMAL, "x-minimum": "0.01"},
        "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        "parent": {"anyOf": [{"$ref": "#/components/schemas/Tag"}, {"type": "null"}], "default": None},
    }


async def test_every_class_is_described_once(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client, notes, other)

    schemas = document["components"]["schemas"]
    assert {name for name in schemas if not name.endswith("Problem")} == {
        "Draft",
        "Tag",
        "Note",
        "PartialDraft",
        "PartialTag",
        "Count",
        "Report",
        "Row",
    }
    listing = document["paths"]["/notes"]["get"]["responses"]["200"]["content"]["application/json"]
    assert listing["schema"] == {"type": "array", "items": {"$ref": "#/components/schemas/Note"}}


async def test_classes_of_one_name_are_kept_apart(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = RouteTableDef()
    for number, kind in enumerate((int, str)):

        async def get() -> None:
            raise AssertionError

        get.__annotations__["return"] = make_dataclass("Item", [("value", kind)])
        routes.get(f"/{number}")(public(get))

    document = await document_of(serve, client, routes)

    items = document["components"]["schemas"]
    assert [items[name]["properties"]["value"]["type"] for name in ("Item", "Item2")] == ["integer", "string"]


async def test_a_marshmallow_schema_is_described_too(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client, other)

    operation = document["paths"]["/reports"]["post"]
    reference = {"$ref": "#/components/schemas/Report"}
    assert operation["requestBody"]["content"]["application/json"]["schema"] == reference
    answer = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["type"] == "array"
    report = resolved(document, reference)
    assert report["properties"]["link"] == {"type": "string", "format": "uri"}
    assert report["properties"]["rows"] == {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}


async def test_forms_are_described(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client, notes, other)

    upload = document["paths"]["/notes/{note_id}/files"]["post"]["requestBody"]["content"]
    register = document["paths"]["/register"]["post"]["requestBody"]["content"]
    assert document["paths"]["/register"]["post"]["requestBody"]["required"] is True
    assert upload.keys() == {"multipart/form-data"}
    assert upload["multipart/form-data"]["schema"]["properties"]["document"] == {
        "type": "string",
        "format": "binary",
        "contentMediaType": "application/octet-stream",
    }
    assert register.keys() == {"application/x-www-form-urlencoded", "multipart/form-data"}
    assert register["multipart/form-data"]["schema"]["properties"]["age"]["type"] == ["integer", "null"]


@pytest.mark.parametrize(
    ("method", "path", "statuses"),
    [
        pytest.param("get", "/notes", {"200", "422"}, id="query of anybody's"),
        pytest.param(
            "post", "/notes", {"201", "400", "401", "403", "413", "415", "422"}, id="body of a known caller"
        ),
        pytest.param("delete", "/notes/{note_id}", {"204", "401", "403", "404", "422"}, id="nothing back"),
        pytest.param("get", "/files/{name}", {"200", "206", "304", "404", "416"}, id="a file"),
        pytest.param("put", "/raw", {"200", "400", "413", "415", "422"}, id="bytes"),
    ],
)
async def test_answers_are_described(
    serve: Serve, client: aiohttp.ClientSession, method: str, path: str, statuses: set[str]
) -> None:
    document = await document_of(serve, client, notes, other)

    responses = document["paths"][path][method]["responses"]
    assert responses.keys() == statuses | {"default"}
    for status, response in responses.items():
        if status == "default" or status >= "400":
            named = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
            (media_type,) = named["content"]
            schema = resolved(document, named["content"][media_type]["schema"])
            own = schema if status == "default" else schema["allOf"][1]
            assert media_type == "application/problem+json"
            assert own["properties"]["status"].get("const") == (None if status == "default" else int(status))


async def test_problems_have_the_names_of_their_statuses(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client, notes)

    responses = document["components"]["responses"]
    assert responses["UnprocessableContent"]["description"] == "Unprocessable Content"
    assert responses.keys() == {
        "BadRequest",
        "Unauthorized",
        "Forbidden",
        "NotFound",
        "ContentTooLarge",
        "UnsupportedMediaType",
        "UnprocessableContent",
        "Error",
    }


async def test_who_may_call_is_described(serve: Serve, client: aiohttp.ClientSession) -> None:
    document = await document_of(serve, client, notes, settings=OpenAPISettings(session_cookie="sid"))

    of_notes = document["paths"]["/notes"]
    assert document["components"]["securitySchemes"] == {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "session": {"type": "apiKey", "in": "cookie", "name": "sid"},
    }
    assert of_notes["get"]["security"] == []
    assert of_notes["post"]["security"] == [{"bearer": ["notes:write"]}, {"session": ["notes:write"]}]


async def test_a_service_that_knows_no_callers_has_no_security_schemes(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    document = await document_of(serve, client, other, batteries=())

    assert "securitySchemes" not in document.get("components", {})
    assert "security" not in document["paths"]["/raw"]["put"]


@dataclass
class Kinds:
    at: time
    lasts: timedelta
    pair: tuple[int, str]
    maybe_pair: tuple[int, str] | None
    host: Annotated[IPv4Address, fields.IPv4()]
    table: dict[str, int]
    code: Annotated[str, Regexp("^[A-Z]+$")]
    price: Decimal | None
    anything: Any
    numbers: frozenset[int]


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("at", {"type": "string", "format": "time"}),
        ("lasts", {"type": ["number", "string"], "pattern": SPAN, "x-unit": "seconds"}),
        (
            "pair",
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, TEXT],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (
            "maybe_pair",
            {
                "type": ["array", "null"],
                "prefixItems": [{"type": "integer"}, TEXT],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        ("host", {"type": "string", "format": "ipv4"}),
        ("table", {"type": "object", "additionalProperties": {"type": "integer"}}),
        ("code", {"type": "string", "pattern": "^[A-Z]+$"}),
        ("price", {"type": ["string", "null"], "format": "decimal", "pattern": DECIMAL}),
        ("anything", {}),
        ("numbers", {"type": "array", "items": {"type": "integer"}}),
    ],
)
async def test_kinds_of_values(serve: Serve, client: aiohttp.ClientSession, name: str, schema: Any) -> None:
    routes = RouteTableDef()

    @routes.post("/kinds")
    @public
    async def kinds(body: Kinds) -> None:
        raise AssertionError

    document = await document_of(serve, client, routes)

    assert document["components"]["schemas"]["Kinds"]["properties"][name] == schema


async def test_a_deprecated_handler_is_marked(serve: Serve, client: aiohttp.ClientSession) -> None:
    routes = RouteTableDef()

    @routes.get("/old")
    @public
    async def old() -> None:
        raise AssertionError

    vars(old)["__deprecated__"] = "Use /new."  # what warnings.deprecated does (PEP 702)

    document = await document_of(serve, client, routes)

    assert document["paths"]["/old"]["get"]["deprecated"] is True


async def test_the_document_is_fetched_again_only_when_it_changes(
    serve: Serve, client: aiohttp.ClientSession
) -> None:
    url = await serve(service(notes))

    async with client.get(url / "openapi.json") as first:
        body = await first.read()
    async with client.get(url / "openapi.json", headers={"If-None-Match": first.headers["ETag"]}) as second:
        nothing = await second.read()
    async with client.get(url / "openapi.json", headers={"If-None-Match": '"other"'}) as third:
        same = await third.read()

    assert (first.status, second.status, third.status) == (200, 304, 200)
    assert (nothing, same) == (b"", body)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("settings", [{"title": ""}, {"version": ""}, {"path": "openapi.json"}])
def test_wrong_settings_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="OpenAPI document"):
        OpenAPISettings(**settings)


@pytest.mark.parametrize(
    ("path", "shown", "patterns"),
    [
        ("/a", "/a", {}),
        ("/a/{b}", "/a/{b}", {}),
        (r"/a/{b:\d+}/c", "/a/{b}/c", {"b": r"\d+"}),
        (r"/{a:\d{2}}-{b:.*}", "/{a}-{b}", {"a": r"\d{2}", "b": ".*"}),
    ],
)
def test_patterns_leave_the_path(path: str, shown: str, patterns: dict[str, str]) -> None:
    template = Templates().template(path)

    assert (template.path, template.patterns) == (shown, patterns)
