"""The table of posts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app_example.files.models import StoredFile
from app_example.tables import Listed, Table, now
from app_example.users.models import User
from framework.batteries.database.columns import UTCDateTime


class Post(Listed, Table):
    """Something that somebody pinned to the board."""

    __tablename__ = "posts"

    author_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(100))
    text: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, onupdate=now)

    # Read together with the post: with asyncio nothing can be loaded by merely looking at it.
    author: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    files: Mapped[list[StoredFile]] = relationship(
        lazy="selectin", order_by=StoredFile.created_at, passive_deletes="all"
    )
