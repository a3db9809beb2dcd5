"""A URL shortener."""

import secrets
from dataclasses import dataclass, field
from typing import Annotated

from aiohttp import web
from marshmallow.validate import URL, Regexp
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from framework import (
    Conflict,
    NotFound,
    Result,
    RouteTableDef,
    Secret,
    ServiceSettings,
    answers,
    create_app,
    created,
    public,
    raises,
    redirect,
    standard,
)
from framework.batteries import database
from framework.batteries.database import DatabaseSettings, refusing_duplicates
from framework.batteries.database.sessions import ENGINE

Name = Annotated[str, Regexp(r"[a-zA-Z0-9_-]{3,30}\Z", error="Must be 3 to 30 letters, digits, - and _.")]


class Table(DeclarativeBase):
    """The tables."""


class Kept(Table):
    """A row for each link."""

    __tablename__ = "links"
    name: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    visits: Mapped[int] = mapped_column(default=0)


@dataclass(kw_only=True)
class LinkDraft:
    """What a link is made with."""

    url: Annotated[str, URL(schemes={"http", "https"})]
    name: Name | None = None


@dataclass(kw_only=True)
class Link:
    """A link, and how often it was followed."""

    name: str
    url: str
    visits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """The framework's settings, and where the links are kept."""

    links: DatabaseSettings = field(
        default_factory=lambda: DatabaseSettings(url=Secret("sqlite:///var/links.sqlite3"))
    )


routes = RouteTableDef(marks=[public])


@routes.post("/links", status=201)
@raises(Conflict)
async def shorten(body: LinkDraft, session: AsyncSession) -> Result[Link]:
    """Keep an address under a short name."""
    kept = Kept(name=body.name or secrets.token_urlsafe(6), url=body.url, visits=0)
    session.add(kept)
    async with refusing_duplicates(session, "This name is taken."):
        await session.flush()
    return created(Link(name=kept.name, url=kept.url, visits=0), location=f"/links/{kept.name}")


@routes.get("/links/{name}")
@raises(NotFound)
async def show(name: Name, session: AsyncSession) -> Link:
    """Show a link, and how often it was followed."""
    kept = await session.get(Kept, name)
    if kept is None:
        raise NotFound("link", name)
    return Link(name=kept.name, url=kept.url, visits=kept.visits)


@routes.get("/{name}")
@raises(NotFound)
@answers(302)
async def follow(name: Name, session: AsyncSession) -> web.Response:
    """Lead to the address."""
    found = update(Kept).where(Kept.name == name).values(visits=Kept.visits + 1).returning(Kept.url)
    url = await session.scalar(found)
    if url is None:
        raise NotFound("link", name)
    return redirect(url, status=302, allow_external=True)


async def make_tables(app: web.Application) -> None:
    """Make the one table; a service that grows has migrations."""
    async with app[ENGINE].begin() as connection:
        await connection.run_sync(Table.metadata.create_all)


def build(settings: Settings) -> web.Application:
    """Make the service."""
    batteries = [*standard(settings), database.battery(settings.links)]
    app = create_app(settings, routes=[routes], batteries=batteries)
    app.on_startup.append(make_tables)
    return app
