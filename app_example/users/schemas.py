"""What goes in and out about users."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from marshmallow.validate import Length

from app_example.texts import EmailAddress, Line, Password
from app_example.users.models import User
from framework import Principal
from framework.paging import PageQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class UserQuery(PageQuery):
    """Ask for a page of users."""

    sort: Literal["created_at", "-created_at", "name", "-name"] | None = None


@dataclass(frozen=True, slots=True)
class UserDraft:
    """What somebody registers with, or what shall change."""

    name: Line
    email: EmailAddress
    password: Password = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserChange(UserDraft):
    """What shall change; a new password only with that of the one who changes it."""

    current_password: Annotated[str, Length(1, 200)] = field(repr=False)


@dataclass(frozen=True, slots=True)
class UserView:
    """A user; the address is shown to nobody but the user."""

    id: UUID
    name: str
    email: str | None
    created_at: datetime

    @classmethod
    def whole(cls, user: User) -> UserView:
        """Show all there is to show."""
        return cls(user.id, user.name, user.email, user.created_at)

    @classmethod
    def of(cls, user: User, principal: Principal) -> UserView:
        """Show what this caller may see."""
        view = cls.whole(user)
        return view if is_self_or_admin(principal, user.id) else replace(view, email=None)


def is_self_or_admin(principal: Principal, user_id: UUID) -> bool:
    """Tell whether somebody may see and change all of a user."""
    return principal.subject == str(user_id) or principal.may("users:admin")
