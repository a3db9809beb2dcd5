"""The service, put together."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from app_example.chat import api as chat
from app_example.digest import api as digest
from app_example.files.api import file_routes
from app_example.files.store import FileStore
from app_example.pages import accounts, board
from app_example.pages.looks import furnish
from app_example.posts import api as posts
from app_example.posts.store import PostStore
from app_example.settings import AppSettings, DigestSettings, FileSettings
from app_example.tables import ANSWERS, Table
from app_example.tokens import api as tokens
from app_example.tokens.store import RefreshTokenStore
from app_example.users import api as users
from app_example.users.store import UserStore
from framework import Principal, create_app, inserted, provide, replaced, standard
from framework.batteries import auth, database, idempotency, templates
from framework.batteries.idempotency.sql import SqlStore
from framework.settings import load

MIGRATIONS = Path(__file__).with_name("migrations")


def build(settings: AppSettings | None = None) -> web.Application:
    """Make the application; its settings come from the environment when none are given."""
    settings = settings or load(AppSettings)
    stored = database.battery(settings.database, migrations=MIGRATIONS, metadata=Table.metadata)
    # Whether callers are known is asked of the database, too, so it stands around that.
    batteries = inserted(standard(settings), stored, before="auth")
    batteries = replaced(batteries, auth.battery(settings.auth, profile=settings.profile, known=is_known))
    batteries = replaced(batteries, templates.battery(settings.templates, configure=furnish))
    return create_app(
        settings,
        routes=[
            users.routes,
            tokens.routes,
            posts.routes,
            file_routes(settings.files),
            chat.routes,
            digest.routes,
            accounts.routes,
            board.routes,
            board.upload_routes(settings.files),
        ],
        batteries=[
            *batteries,
            idempotency.battery(store=SqlStore(ANSWERS)),
            provide(
                UserStore,
                RefreshTokenStore,
                PostStore,
                FileStore,
                {FileSettings: lambda: settings.files, DigestSettings: lambda: settings.digest},
            ),
        ],
    )


async def is_known(principal: Principal, users: UserStore) -> bool:
    """Tell whether a caller's account is there and the sign-in counts; asked at each request."""
    return await users.knows(principal)
