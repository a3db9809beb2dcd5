"""Mistakes in handlers are found at start-up, and the message says where."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from aiohttp import web
from aiohttp_session import Session, get_session

from framework.annotations import strip
from framework.binding.signatures import read_endpoint
from framework.endpoint import Brought, Mark, Provide, Source
from framework.errors import ConfigurationError
from framework.routing import RouteTableDef
from tests.kernel import kernel_app


@dataclass
class Draft:
    name: str


class Unmappable:
    pass


async def untyped(request, thing) -> None: ...  # type: ignore[no-untyped-def]


async def star(**everything: str) -> None: ...


async def unresolved(body: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


def synchronous(request: web.Request) -> web.Response: ...  # type: ignore[empty-body]


async def unreadable(body: Unmappable) -> None: ...


async def unwritable() -> Unmappable: ...  # type: ignore[empty-body]


async def unwritable_list() -> list[Unmappable]: ...  # type: ignore[empty-body]


async def two_bodies(body: Draft, form: Draft) -> None: ...


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        pytest.param(untyped, "'thing'", id="a parameter without name or type that says its source"),
        pytest.param(star, "'*everything' cannot be filled", id="a parameter for everything"),
        pytest.param(unresolved, "Nowhere", id="an annotation of an unknown name"),
        pytest.param(synchronous, "async def", id="a function that is no coroutine"),
        pytest.param(unreadable, "parameter 'body'", id="a body type that no schema fits"),
        pytest.param(unwritable, "return annotation", id="a return type that no schema fits"),
        pytest.param(unwritable_list, "return annotation", id="a list of a return type that no schema fits"),
        pytest.param(two_bodies, "'body' or 'form'", id="both a body and a form"),
    ],
)
def test_a_wrong_handler_is_named_with_its_file_and_parameter(handler: Callable[..., Any], said: str) -> None:
    routes = RouteTableDef()
    if handler is untyped:
        routes.get("/{other}")(handler)
    else:
        routes.post("/")(handler)

    with pytest.raises(ConfigurationError) as raised:
        kernel_app(routes)

    assert said in str(raised.value)
    assert f"test_endpoint.py:{handler.__code__.co_firstlineno} {handler.__qualname__}" in str(raised.value)


def test_a_mark_without_its_battery_is_refused() -> None:
    class Limit(Mark):
        battery: ClassVar[str | None] = "limits"

    @Limit()
    async def handler() -> None: ...

    routes = RouteTableDef()
    routes.get("/")(handler)

    with pytest.raises(ConfigurationError, match="needs the battery 'limits', which is not in the list"):
        kernel_app(routes)


def test_marks_are_kept_outermost_first_and_change_nothing_else() -> None:
    @dataclass(frozen=True)
    class Tag(Mark):
        text: str

    async def handler() -> None: ...

    marked = Tag("outer")(Tag("inner")(handler))

    assert marked is handler
    endpoint = read_endpoint("GET", "/", marked)
    assert endpoint.marks == (Tag("outer"), Tag("inner"))
    assert endpoint.find(Tag) == Tag("outer")


def test_a_parameter_named_like_a_path_segment_comes_from_the_path() -> None:
    async def handler(body: str, query: Draft) -> None: ...

    endpoint = read_endpoint("GET", "/{body}", handler)

    assert [parameter.source for parameter in endpoint.parameters] == [Source.PATH, Source.QUERY]


@pytest.mark.parametrize(
    ("annotation", "kind", "optional"),
    [
        pytest.param(int, int, False, id="a plain type"),
        pytest.param(int | None, int, True, id="a type or None"),
        pytest.param(None, None, True, id="None alone"),
        pytest.param(int | str, int | str, False, id="a union"),
        pytest.param(int | str | None, int | str, True, id="a union or None"),
    ],
)
def test_annotations_are_taken_apart(annotation: Any, kind: Any, optional: bool) -> None:
    stripped = strip(annotation)

    assert stripped.kind == kind
    assert stripped.optional is optional


async def by_name(session, request) -> None: ...  # type: ignore[no-untyped-def]


async def by_type(session: Session, request: web.BaseRequest) -> None: ...


async def by_mapping(session: MutableMapping[str, Any]) -> None: ...


async def another(session: Unmappable) -> None: ...


@pytest.mark.parametrize(
    ("handler", "source"),
    [
        pytest.param(by_name, Source.BATTERY, id="the name alone"),
        pytest.param(by_type, Source.BATTERY, id="the type"),
        pytest.param(by_mapping, Source.BATTERY, id="what the type derives from"),
        pytest.param(another, Source.SERVICE, id="a service that is called a session too"),
    ],
)
def test_a_type_of_its_own_beats_a_well_known_name(handler: Callable[..., Any], source: Source) -> None:
    brought = Brought({Session: Provide(get_session, names=("session",))})

    endpoint = read_endpoint("GET", "/", handler, brought=brought)

    assert endpoint.parameters[0].source is source
