"""What shall happen once a transaction is decided: things outside of the database that cannot be rolled back."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

_log = logging.getLogger("framework.database")


def on_commit(session: AsyncSession, do: Callable[[], object]) -> None:
    """Call a function when the session's transaction is committed, and not at all if it never is.

    It is called once and must be quick. It cannot undo the commit: what it raises is logged.
    """
    _when_decided(session, do, committed=True)


def on_rollback(session: AsyncSession, do: Callable[[], object]) -> None:
    """Call a function when the session's transaction ends without a commit: to remove a file that was written.

    It is called once and must be quick; what it raises is logged.
    """
    _when_decided(session, do, committed=False)


def _when_decided(session: AsyncSession, do: Callable[[], object], *, committed: bool) -> None:
    was_committed = is_decided = False

    def note_commit(of: Session) -> None:
        nonlocal was_committed
        # SQLAlchemy also says so of savepoints.
        was_committed = was_committed or not of.in_nested_transaction()

    def decide(of: Session, transaction: SessionTransaction) -> None:
        nonlocal is_decided
        if transaction.parent is not None or is_decided:
            return
        is_decided = True
        if was_committed is committed:
            _call(do)

    event.listen(session.sync_session, "after_commit", note_commit)
    event.listen(session.sync_session, "after_transaction_end", decide)


def _call(do: Callable[[], object]) -> None:
    try:
        do()
    except Exception:  # noqa: BLE001 - the transaction is decided, whatever this was
        _log.exception("after_transaction_failed")
