"""The Todo-Backend: a list that a page of another origin keeps."""

from dataclasses import dataclass, field, replace
from itertools import count
from typing import Annotated

from aiohttp import web
from marshmallow.validate import Length

from framework import (
    NotFound,
    Partial,
    Result,
    RouteTableDef,
    ServiceSettings,
    create_app,
    created,
    provide,
    public,
    raises,
    standard,
)
from framework.batteries.cors import CorsSettings

routes = RouteTableDef(tags=["todo"], marks=[public])

Title = Annotated[str, Length(1, 1_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """The framework's settings; pages of every origin may use the list."""

    cors: CorsSettings = field(default_factory=lambda: CorsSettings(origins=("*",)))


@dataclass(kw_only=True)
class Draft:
    """What is to be done."""

    title: Title
    order: int | None = None
    completed: bool = False


@dataclass(kw_only=True)
class Todo(Draft):
    """An entry of the list."""

    id: int
    url: str


class Todos:
    """The list."""

    def __init__(self) -> None:
        self._ids = count(1)
        self.by_id: dict[int, Todo] = {}

    def add(self, draft: Draft, place: str) -> Todo:
        number = next(self._ids)
        todo = Todo(
            title=draft.title,
            order=draft.order,
            completed=draft.completed,
            id=number,
            url=f"{place}{number}",
        )
        self.by_id[number] = todo
        return todo

    def get(self, number: int) -> Todo:
        if number not in self.by_id:
            raise NotFound("entry", number)
        return self.by_id[number]


@routes.get("/")
async def list_todos(todos: Todos) -> list[Todo]:
    """List what is to be done."""
    return list(todos.by_id.values())


@routes.post("/", status=201)
async def add_todo(request: web.Request, body: Draft, todos: Todos) -> Result[Todo]:
    """Add something."""
    todo = todos.add(body, str(request.url.with_path("/")))
    return created(todo, location=todo.url)


@routes.delete("/")
async def clear(todos: Todos) -> None:
    """Forget everything."""
    todos.by_id.clear()


@routes.get("/{number}")
@raises(NotFound)
async def show_todo(number: int, todos: Todos) -> Todo:
    """Show an entry."""
    return todos.get(number)


@routes.patch("/{number}")
@raises(NotFound)
async def change_todo(number: int, body: Partial[Draft], todos: Todos) -> Todo:
    """Change the fields that are sent."""
    todos.by_id[number] = changed = replace(todos.get(number), **body)
    return changed


@routes.delete("/{number}")
@raises(NotFound)
async def remove_todo(number: int, todos: Todos) -> None:
    """Take an entry off the list."""
    del todos.by_id[todos.get(number).id]


def build(settings: Settings) -> web.Application:
    """Make the service."""
    return create_app(settings, routes=[routes], batteries=[*standard(settings), provide(Todos())])
