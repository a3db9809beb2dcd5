"""Users in the database."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app_example.users.models import User
from framework import (
    Conflict,
    Fault,
    Forbidden,
    NotFound,
    Principal,
    Unauthorized,
    UnprocessableContent,
    raises,
)
from framework.batteries.auth import Passwords
from framework.batteries.database import Pages, refusing_duplicates
from framework.paging import Page, PageQuery

TAKEN = "There is an account with this e-mail address already."


class UserStore:
    """The users."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    @raises(Conflict)
    async def add(self, name: str, email: str, password_hash: str) -> User:
        """Keep a new user.

        Raises:
            Conflict: Somebody has that address already.
        """
        user = User(name=name, email=email, email_key=email_key(email), password_hash=password_hash)
        async with refusing_duplicates(self._session, TAKEN):
            self._session.add(user)
        return user

    @raises(NotFound)
    async def get(self, user_id: UUID) -> User:
        """Return a user.

        Raises:
            NotFound: There is none with that id.
        """
        user = await self._session.get(User, user_id)
        if user is None:
            raise NotFound("user", user_id)
        return user

    @raises(Unauthorized)
    async def get_caller(self, principal: Principal) -> User:
        """Return the user that calls.

        Raises:
            Unauthorized: The account is gone, though the token is still good.
        """
        try:
            return await self.get(UUID(principal.subject))
        except (NotFound, ValueError) as error:
            raise Unauthorized("This account is not there any more.") from error

    async def knows(self, principal: Principal) -> bool:
        """Tell whether a caller's account is there, and the caller's sign-in has not been ended."""
        try:
            user_id = UUID(principal.subject)
        except ValueError:
            return False
        found = await self._session.scalar(select(User.generation).where(User.id == user_id))
        # What the request does next may take long, such as a socket; meanwhile the connection serves others.
        await self._session.commit()
        return found == principal.generation

    async def find_by_email(self, email: str) -> User | None:
        """Return the user with that address, however it is capitalised."""
        return await self._session.scalar(select(User).where(User.email_key == email_key(email)))

    @raises(Unauthorized)
    async def authenticate(self, email: str, password: str, passwords: Passwords) -> User:
        """Return the user with this address and password.

        Raises:
            Unauthorized: There is none; which of the two is wrong is nobody's business.
        """
        user = await self.find_by_email(email)
        # Checking a password takes long; meanwhile the connection serves others.
        await self._session.commit()
        right = await passwords.verify(user.password_hash if user else None, password)
        if user is None or not right:
            raise Unauthorized("The e-mail address or the password is wrong.")
        if passwords.needs_rehash(user.password_hash):
            user.password_hash = await passwords.hash(password)
        return user

    @raises(UnprocessableContent, Forbidden)
    async def ensure_password(self, user: User, password: str | None, passwords: Passwords) -> None:
        """Check that whoever calls knows the caller's password, and has not only found an open browser.

        Raises:
            UnprocessableContent: It is not there.
            Forbidden: It is wrong.
        """
        if password is None:
            fault = Fault("body", "/current_password", "A new password wants your current one.")
            raise UnprocessableContent([fault])
        await self._session.commit()
        if not await passwords.verify(user.password_hash, password):
            raise Forbidden("The current password is wrong.")

    async def page(self, query: PageQuery, pages: Pages) -> Page[User]:
        """Return a page of all users."""
        sort = {"created_at": User.created_at, "name": User.name}
        return await pages.read(select(User), query, sort=sort, key=User.id)

    @raises(Conflict)
    async def change(self, user: User, changes: Mapping[str, str]) -> None:
        """Set some of a user's columns.

        Raises:
            Conflict: Somebody else has the new address.
        """
        async with refusing_duplicates(self._session, TAKEN):
            for column, value in changes.items():
                setattr(user, column, value)
            user.email_key = email_key(user.email)

    async def end_sign_ins(self, user: User) -> None:
        """End every sign-in of a user: in browsers and programs, everywhere, at once."""
        # The database counts, so that of two at once each ends what was before it.
        user.generation = User.generation + 1
        await self._session.flush()
        await self._session.refresh(user, ["generation"])

    async def remove(self, user: User) -> None:
        """Forget a user, with all that the user wrote."""
        await self._session.delete(user)
        await self._session.flush()


def email_key(email: str) -> str:
    """Return an address as it is compared."""
    return email.casefold()
