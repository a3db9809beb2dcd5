from __future__ import annotations

import io
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web
from marshmallow.validate import Length

from framework.app import create_app
from framework.battery import Battery
from framework.errors import ServiceError
from framework.forms import Form
from framework.responses import JSONResponse, Result, created
from framework.routing import RouteTableDef
from framework.services import provide
from framework.uploads import UploadedFile
from framework.validation import Partial, encode


async def answer_problem(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        return await handler(request)
    except ServiceError as error:
        problem = error.problem()
        return JSONResponse(encode(problem.as_dict()), status=problem.status, headers=problem.headers)


PROBLEMS = Battery(name="problems", middleware=answer_problem)


@dataclass
class Draft:
    name: Annotated[str, Length(1, 10)]
    tags: list[str]


@dataclass
class User:
    id: UUID
    name: str


@dataclass
class Page:
    limit: int = 20
    tag: list[str] | None = None


@dataclass
class Upload:
    title: str
    document: UploadedFile


class Store:
    def __init__(self) -> None:
        self.kind = "store"


class Reader:
    def __init__(self, store: Store) -> None:
        self.store = store


class Colour(Enum):
    RED = "red"


routes = RouteTableDef(prefix="/api", tags=["x"])


@routes.get("/hello")
async def hello() -> dict[str, str]:
    return {"message": "hello"}


@routes.post("/users", status=201)
async def add(body: Draft, query: Page) -> User:
    return User(UUID(int=1), f"{body.name}{query.limit}{query.tag}")


@routes.get("/users/{user_id}/{n}/{colour}")
async def get(user_id: UUID, n: int, colour: Colour) -> Result[User]:
    return created(User(user_id, f"{n}{colour}"), location="/x")


@routes.patch("/users")
async def change(body: Partial[Draft]) -> dict[str, Any]:
    return dict(body)


@routes.post("/files")
async def upload(form: Upload) -> dict[str, Any]:
    return {"title": form.title, "name": form.document.filename, "size": form.document.size}


@routes.post("/shown")
async def shown(form: Form[Draft]) -> dict[str, Any]:
    return {"valid": form.valid, "errors": dict(form.errors), "data": dict(form.data)}


@routes.get("/service")
async def service(reader: Reader, request: web.Request) -> list[str]:
    return [reader.store.kind, request.path]


@routes.get("/none")
async def none() -> None: ...


plain = web.RouteTableDef()


@plain.get("/plain/{x}")
async def plain_handler(req: web.Request) -> web.Response:
    return web.Response(text=req.match_info["x"])


@plain.view("/view")
class View(web.View):
    async def get(self) -> web.Response:
        return web.Response(text="view")


async def test_everything(serve: Any, client: aiohttp.ClientSession) -> None:
    app = create_app(routes=[routes, plain], batteries=[PROBLEMS, provide(Store, Reader)])
    url = await serve(app)
    seen: list[Any] = []

    async def go(method: str, path: str, **kw: Any) -> None:
        async with client.request(method, f"{url}{path}", **kw) as response:
            seen.append(
                (method, path, response.status, response.content_type, (await response.read()).decode())
            )

    await go("GET", "/api/hello")
    await go("HEAD", "/api/hello")
    await go("POST", "/api/users?limit=3&tag=a&tag=b", json={"name": "n", "tags": ["t"]})
    await go("POST", "/api/users?limit=x&foo=1", json={"name": "", "tags": ["t", 3], "x": 1})
    await go("POST", "/api/users?limit=1&limit=2", data=b"{}", headers={"Content-Type": "application/json"})
    await go("POST", "/api/users", data=b"{", headers={"Content-Type": "application/json"})
    await go("POST", "/api/users", data=b"{}", headers={"Content-Type": "text/plain"})
    await go(
        "POST", "/api/users", data=io.BytesIO(b" " * 2_000_000), headers={"Content-Type": "application/json"}
    )
    await go("GET", f"/api/users/{UUID(int=5)}/3/red")
    await go("GET", "/api/users/nope/3x/blue")
    await go("PATCH", "/api/users", json={"name": "q"})
    await go("PATCH", "/api/users", json={"name": "q" * 11})
    form = aiohttp.FormData()
    form.add_field("title", "T")
    form.add_field("document", b"abc" * 200_000, filename="../../a.txt", content_type="text/plain")
    await go("POST", "/api/files", data=form)
    await go("POST", "/api/files", data={"title": "T", "document": "x"})
    await go(
        "POST", "/api/files", data=b"garbage", headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    await go("POST", "/api/shown", data={"name": "", "tags": "x"})
    await go("POST", "/api/shown", data={"name": "ok", "tags": "x", "csrf_token": "1"})
    await go("GET", "/api/service")
    await go("GET", "/api/none")
    await go("GET", "/plain/abc")
    await go("GET", "/view")
    await go("POST", "/view")
    await go("GET", "/nowhere")
    for line in seen:
        print(line)
    assert [line[2] for line in seen] == [
        200,
        200,
        201,
        422,
        422,
        400,
        415,
        413,
        201,
        422,
        200,
        422,
        200,
        422,
        400,
        200,
        200,
        200,
        204,
        200,
        200,
        405,
        404,
    ]
