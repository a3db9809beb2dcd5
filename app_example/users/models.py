"""The table of users."""

from __future__ import annotations

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app_example.tables import Listed, Table
from framework import Principal


class User(Listed, Table):
    """Somebody who can sign in."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str] = mapped_column(Text, unique=True)
    """The address as it is compared, since «Ada@example.org» and «ada@example.org» are one mailbox."""
    password_hash: Mapped[str] = mapped_column(String(200))
    is_admin: Mapped[bool] = mapped_column(default=False)
    generation: Mapped[int] = mapped_column(default=0)
    """That of the user's sign-ins which count; all older ones are ended."""

    @property
    def scopes(self) -> frozenset[str]:
        """Return what the user may do besides what everybody may."""
        return frozenset({"users:admin"}) if self.is_admin else frozenset()

    @property
    def principal(self) -> Principal:
        """Return who the user is in a session."""
        return Principal(
            subject=str(self.id), scopes=self.scopes, scheme="session", generation=self.generation
        )
