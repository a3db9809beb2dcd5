"""A session for each request, opened when it is first used and committed before the response leaves."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_type_hints

import svcs
from aiohttp import web
from sqlalchemy import MetaData, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from framework.adapters.aiohttp.requests import find
from framework.annotations import strip
from framework.batteries.database.conflicts import is_busy, is_overtaken
from framework.batteries.database.engines import opened
from framework.batteries.database.migrations import MIGRATIONS, Migrations, read_revisions
from framework.batteries.database.newest import NewestRevisions
from framework.batteries.database.pages import Pages
from framework.batteries.database.settings import DatabaseSettings
from framework.battery import Battery, Handler
from framework.context import CONTAINER, REGISTRY
from framework.endpoint import Endpoint, Provide, Source
from framework.errors import Conflict, ServiceUnavailable

_log = logging.getLogger("framework.database")

_FIRST_ERROR = 400
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TAKEN = frozenset({Source.SERVICE, Source.BATTERY})

ENGINE: web.AppKey[AsyncEngine] = web.AppKey("engine", AsyncEngine)
SESSIONS: web.AppKey[async_sessionmaker[AsyncSession]] = web.AppKey("sessions", async_sessionmaker)
"""What makes sessions; there while the application runs."""

_REVISIONS: web.AppKey[NewestRevisions] = web.AppKey("revisions", NewestRevisions)


@asynccontextmanager
async def session_scope(app: web.Application) -> AsyncIterator[AsyncSession]:
    """Open a session outside of a request: in a background task, a WebSocket, a stream or a script.

    It commits at the end of the block and rolls back if the block raises; what the block itself commits stays.
    """
    async with app[SESSIONS]() as session:
        try:
            yield session
            await session.commit()
        except BaseException:
            await session.rollback()
            raise


def battery(
    settings: DatabaseSettings, *, migrations: Path | None = None, metadata: MetaData | None = None
) -> Battery:
    """Give handlers and services an ``AsyncSession`` by its type: one per request, one transaction.

    What the request wrote is committed when the handler has returned an answer below 400, and before that
    answer leaves: a client that sees success finds what it wrote. Any other answer, and any exception, rolls
    everything back.

    A response that the handler itself starts, such as a WebSocket, is on its way before the commit; one whose
    body is made while it is sent comes after it, when the session is closed. Both use `session_scope`.

    Args:
        settings: The database.
        migrations: The folder of Alembic revisions. While the database lacks one, the service is not ready.
        metadata: The models' tables, for writing new revisions. While no revision makes one of them, or a column, the
            service is not ready.
    """

    def setup(app: web.Application, endpoints: object) -> None:
        if migrations is not None:
            app[MIGRATIONS] = Migrations(settings, migrations, metadata)
            app[_REVISIONS] = NewestRevisions(read_revisions(migrations), metadata)

    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        async with opened(settings) as engine:
            app[ENGINE] = engine
            app[SESSIONS] = sessions = async_sessionmaker(
                engine, expire_on_commit=False, close_resets_only=False
            )
            app[REGISTRY].register_factory(AsyncSession, _factory(sessions))
            await _warn(app)
            yield

    return Battery(
        name="database",
        provides={Pages: Provide(_pages)},
        middleware=transaction,
        problems=statuses,
        setup=setup,
        lifespan=lifespan,
        check=check,
    )


def _pages(request: web.Request) -> Pages:
    return Pages(request)


def statuses(endpoint: Endpoint) -> tuple[int, ...]:
    """Return the statuses of what the database may refuse, for an endpoint that has to do with it."""
    kinds = [strip(each.annotation).kind for each in endpoint.parameters if each.source in _TAKEN]
    if not any(_needs_session(kind) for kind in kinds):
        return ()
    return (503,) if endpoint.method in _SAFE else (409, 503)


def _needs_session(kind: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Tell whether a service takes a session, or another service that does."""
    if kind in (AsyncSession, Pages):
        return True
    if not isinstance(kind, type) or kind in seen:
        return False
    try:
        needs = get_type_hints(vars(kind)["__init__"]).values()
    except (KeyError, NameError, TypeError):
        return False  # a constructor of others, whose annotations are nobody's promise
    return any(_needs_session(strip(need).kind, seen | {kind}) for need in needs)


def _factory(
    sessions: async_sessionmaker[AsyncSession],
) -> Callable[[svcs.Container], AsyncGenerator[AsyncSession]]:
    async def open_session(container: svcs.Container) -> AsyncGenerator[AsyncSession]:
        async with sessions() as session:
            yield session

    return open_session


async def transaction(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Commit what the request wrote, or roll it back.

    Raises:
        Conflict: A row that the request changes or refers to is not there any more.
        ServiceUnavailable: The database is too busy for this request, and may not be for the next.
    """
    try:
        return await _answer(request, handler)
    except SQLAlchemyError as error:
        if is_busy(error):
            raise ServiceUnavailable("The database is busy.", retry_after_seconds=1) from error
        if is_overtaken(error):
            raise Conflict("What this request changes or refers to has changed or gone meanwhile.") from error
        raise


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as error:
        # A plain aiohttp handler raises its redirects.
        await _end(request, error.status)
        raise
    except BaseException:
        await _end(request, 500)
        raise
    await _end(request, response.status)
    return response


async def _end(request: web.Request, status: int) -> None:
    container = find(request, CONTAINER)
    if container is None or AsyncSession not in container:
        return
    session = await container.aget(AsyncSession)
    if status >= _FIRST_ERROR:
        await session.rollback()
        return
    try:
        await session.commit()
    except BaseException:
        await session.rollback()
        raise


async def check(app: web.Application) -> None:
    """Ask the database for an answer.

    Raises:
        RuntimeError: It lacks migrations, or they lack something of the models.
    """
    async with app[ENGINE].connect() as connection:
        if _REVISIONS not in app:
            await connection.execute(select(1))
        else:
            await connection.run_sync(app[_REVISIONS].ensure_applied)


async def _warn(app: web.Application) -> None:
    """Tell at once what would otherwise show at the first request; the database may still be starting."""
    try:
        await check(app)
    except (SQLAlchemyError, OSError, RuntimeError) as error:
        reason = str(error) if isinstance(error, RuntimeError) else type(error).__name__
        _log.warning("database_not_ready", extra={"reason": reason})
