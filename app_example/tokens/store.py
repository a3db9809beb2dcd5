"""Refresh tokens in the database, each good for one use: what `framework.batteries.auth.TokenStore` asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete
from sqlalchemy.ext.asyncio import AsyncSession

from app_example.tables import now
from app_example.tokens.models import RefreshToken
from framework.batteries.auth import RefreshGrant


class RefreshTokenStore:
    """The refresh tokens that were not used yet."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, grant: RefreshGrant) -> None:
        """Remember a token that was issued just now, and forget the user's expired ones."""
        user_id = UUID(grant.subject)
        expired = delete(RefreshToken).where(RefreshToken.user_id == user_id, RefreshToken.expires_at < now())
        await self._session.execute(expired)
        expires_at = datetime.fromtimestamp(grant.expires_at, UTC)
        self._session.add(
            RefreshToken(id=grant.id, family=grant.family, user_id=user_id, expires_at=expires_at)
        )

    async def use(self, grant: RefreshGrant) -> bool:
        """Strike a token off; False if it was not there, so of two callers at once one has it."""
        result = await self._session.execute(delete(RefreshToken).where(RefreshToken.id == grant.id))
        return cast("CursorResult[Any]", result).rowcount == 1

    async def revoke_family(self, family: str) -> None:
        """Strike off every token that descends from one sign-in."""
        await self._session.execute(delete(RefreshToken).where(RefreshToken.family == family))
        # The answer will be an error, and an error undoes what the request did: this must stay.
        await self._session.commit()

    async def revoke_all(self, user_id: UUID) -> None:
        """Strike off every token of a user."""
        await self._session.execute(delete(RefreshToken).where(RefreshToken.user_id == user_id))
