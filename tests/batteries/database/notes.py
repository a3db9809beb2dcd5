"""A service with one table, for the tests of the database."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from aiohttp import web
from marshmallow.validate import Length
from sqlalchemy import ForeignKey, MetaData, String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from framework.batteries.database import DatabaseSettings, battery, refusing_duplicates, session_scope
from framework.batteries.database.columns import NAMING_CONVENTION, UTCDateTime
from framework.battery import Battery
from framework.context import services
from framework.errors import BadRequest, Conflict
from framework.responses import Result, redirect
from framework.routing import RouteTableDef
from framework.services import provide
from framework.settings import Secret
from tests.kernel import kernel_app

REVISIONS = Path(__file__).with_name("revisions")


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    written: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    note_id: Mapped[int] = mapped_column(ForeignKey("notes.id", ondelete="CASCADE"))


@dataclass
class Draft:
    name: Annotated[str, Length(1, 200)]


@dataclass
class Found:
    names: list[str]


class NoteStore:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self, name: str) -> None:
        async with refusing_duplicates(self.session, "There is such a note."):
            self.session.add(Note(name=name))

    async def find(self, name: str) -> list[str]:
        return list(await self.session.scalars(select(Note.name).where(Note.name == name)))

    async def names(self) -> list[str]:
        return list(await self.session.scalars(select(Note.name).order_by(Note.id)))


routes = RouteTableDef()


@routes.get("/notes")
async def list_notes(notes: NoteStore) -> Found:
    return Found(await notes.names())


@routes.post("/notes", status=201)
async def add_note(body: Draft, notes: NoteStore) -> Found:
    await notes.add(body.name)
    return Found(await notes.names())


@routes.get("/notes/{name}")
async def get_note(name: str, notes: NoteStore) -> Found:
    return Found(await notes.find(name))


@routes.get("/search")
async def search(query: Draft, notes: NoteStore) -> Found:
    return Found(await notes.find(query.name))


@routes.post("/form", status=201)
async def add_from_form(form: Draft, notes: NoteStore) -> Found:
    await notes.add(form.name)
    return Found([])


@routes.post("/counted", status=201)
async def count_and_add(body: Draft, notes: NoteStore) -> Found:
    """Read, let others read too, and write."""
    count = len(await notes.names())
    await asyncio.sleep(0.01)
    await notes.add(f"{body.name} after {count}")
    return Found([])


@routes.post("/refused")
async def refuse(body: Draft, notes: NoteStore) -> None:
    await notes.add(body.name)
    raise BadRequest("Not this one.")


@routes.post("/answered-400")
async def answer_400(body: Draft, notes: NoteStore) -> Result[Found]:
    await notes.add(body.name)
    return Result(Found([]), 400)


@routes.post("/broken")
async def break_down(body: Draft, notes: NoteStore) -> None:
    await notes.add(body.name)
    raise ZeroDivisionError


@routes.post("/redirected")
async def send_on(body: Draft, notes: NoteStore) -> web.Response:
    await notes.add(body.name)
    return redirect("/notes")


@routes.post("/raised-redirect")
async def raise_redirect(body: Draft, notes: NoteStore) -> None:
    await notes.add(body.name)
    raise web.HTTPSeeOther("/notes")


@routes.post("/twice")
async def add_twice(body: Draft, notes: NoteStore) -> Found:
    """Add a note once more, see it refused, and go on."""
    await notes.add(body.name)
    try:
        await notes.add(body.name)
    except Conflict:
        await notes.add(f"{body.name} again")
    return Found(await notes.names())


@routes.post("/overtaken")
async def write_what_goes_meanwhile(body: Draft, request: web.Request, database: AsyncSession) -> None:
    """Find a note that somebody else removes, and rename it or refer to it, as the body says."""
    note = Note(name="found")
    database.add(note)
    await database.commit()
    async with session_scope(request.app) as other:
        await other.execute(delete(Note).where(Note.id == note.id))
    if body.name == "rename":
        note.name = "renamed"
    else:
        database.add(Tag(note_id=note.id))


@routes.get("/untouched")
async def use_no_session(request: web.Request) -> dict[str, bool]:
    return {"opened": AsyncSession in services(request)}


@routes.get("/same")
async def compare(notes: NoteStore, database: AsyncSession) -> dict[str, bool]:
    return {"same": notes.session is database}


def settings_for(url: str, **options: object) -> DatabaseSettings:
    return DatabaseSettings(url=Secret(url), **options)  # type: ignore[arg-type]


def notes_app(settings: DatabaseSettings, *behind: Battery) -> web.Application:
    stack = (battery(settings, migrations=REVISIONS, metadata=Base.metadata), provide(NoteStore))
    return kernel_app(routes, batteries=(*stack, *behind))
