"""Keep data in SQLite or PostgreSQL, with a session and a transaction for each request, and migrations.

``battery(settings, migrations=folder)`` gives handlers and services an ``AsyncSession`` by its type;
``session_scope(app)`` opens one elsewhere. ``on_commit`` and ``on_rollback`` are for what a transaction does not
hold, such as files. `framework.batteries.database.migrations` migrates, and
`framework.batteries.database.columns` has what models need to mean the same on both databases.
"""

from framework.batteries.database.conflicts import refusing_duplicates
from framework.batteries.database.outcomes import on_commit, on_rollback
from framework.batteries.database.pages import Pages
from framework.batteries.database.sessions import battery, session_scope
from framework.batteries.database.settings import DatabaseSettings

__all__ = [
    "DatabaseSettings",
    "Pages",
    "battery",
    "on_commit",
    "on_rollback",
    "refusing_duplicates",
    "session_scope",
]
