"""A service with all of a user's wishes at once: its handlers, and behind them one line for each wish."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from marshmallow.validate import Length, Range

from framework import (
    Battery,
    Conflict,
    NotFound,
    Principal,
    Problem,
    Provide,
    RouteTableDef,
    Secret,
    ServiceSettings,
    authenticated,
    create_app,
    inserted,
    no_content,
    provide,
    public,
    replaced,
    standard,
    without,
)
from framework.batteries import auth, problems
from framework.batteries.auth import TrustedIssuer, bearer, header, scheme
from framework.batteries.problems import Renderer
from framework.validation import Conventions, conventions

routes = RouteTableDef(prefix="/api")


@dataclass(frozen=True)
class Account:
    """Who calls, as this service knows them."""

    user_name: str


@dataclass
class NoteDraft:
    note_title: Annotated[str, Length(1, 20)]


@conventions(names="snake")
@dataclass
class Note:
    note_title: str
    written_by: str


class Sold(Exception):
    """Something of the domain, which knows no HTTP."""


@routes.post("/notes", status=201)
@authenticated
async def add_note(body: NoteDraft, account: Account, audit: Audit) -> Note:
    """Write a note."""
    if body.note_title == "sold":
        raise Sold
    return Note(body.note_title, f"{account.user_name} {audit.line}")


@routes.get("/notes/{note_id}")
@public
async def get_note(note_id: int, tenant: Tenant, page_limit: Annotated[int, Range(1, 9)] = 3) -> list[str]:
    """Look for a note."""
    if note_id == 404:
        raise NotFound("note", note_id)
    return [tenant.name, str(page_limit)]


@routes.delete("/bugs")
@public
async def fail(request: web.Request) -> web.Response:
    """Fail, or not."""
    if "now" in request.query:
        raise RuntimeError("bug")
    return no_content()


# The wishes begin here.

SECRET = Secret("a-secret-that-two-services-share-0123456789")
REPORTED: list[str] = []
OPEN: list[str] = []


@dataclass
class Shape:
    error_code: int
    error_text: str


@dataclass(frozen=True)
class Tenant:
    name: str


class Audit:
    def __init__(self, request: web.Request, account: Account) -> None:
        self.line = f"{request.method} {account.user_name}"


class Partners:
    def find(self, key: str) -> str | None:
        return {"key-of-ada": "ada"}.get(key)


async def open_partners() -> AsyncIterator[Partners]:
    OPEN.append("partners")
    yield Partners()
    OPEN.remove("partners")


async def partner(key: str, partners: Partners) -> Principal | None:
    name = partners.find(key)
    return None if name is None else Principal(subject=name)


async def account(principal: Principal) -> Account:
    return Account(principal.subject)


def shape(problem: Problem) -> Shape:
    return Shape(problem.status, problem.detail or problem.title)


def report(error: BaseException, request: web.Request | None) -> None:
    REPORTED.append(repr(error))


def find_tenant(request: web.Request) -> Tenant:
    return Tenant(request.headers.get("X-Tenant", "nobody"))


def build(settings: ServiceSettings | None = None) -> web.Application:
    """Put the service together."""
    settings = settings or ServiceSettings(json=Conventions(names="camel", unknown="ignore"))
    errors = problems.battery(
        settings.problems,
        renderer=Renderer(render=shape, schema=Shape, media_type="application/json"),
        mapping={Sold: lambda error: Conflict("It is sold.")},
        report=report,
    )
    callers = auth.battery(
        settings.auth,
        profile=settings.profile,
        credentials=[header("X-API-Key", partner), scheme("Token"), bearer()],
        issuers=[
            TrustedIssuer(
                issuer="billing", audience="notes", keys=(SECRET,), algorithm="HS256", types=("JWT",)
            )
        ],
    )
    tenants = Battery(name="tenants", provides={Tenant: Provide(find_tenant)})
    stack = replaced(replaced(standard(settings), errors), callers)
    stack = inserted(without(stack, "csrf"), tenants, before="auth")
    services = provide(open_partners, scope="app", name="partners"), provide(account, Audit)
    return create_app(settings, routes=[routes], batteries=[*stack, *services])
