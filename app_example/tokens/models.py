"""The table of refresh tokens that can still be used."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app_example.tables import Table
from framework.batteries.database.columns import UTCDateTime


class RefreshToken(Table):
    """A refresh token, by its id: the token itself is nowhere but with its owner."""

    __tablename__ = "refresh_tokens"

    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    family: Mapped[str] = mapped_column(String(100), index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
