"""Sign-in for programs: a password buys an access token and a refresh token for the next one."""

from __future__ import annotations

from uuid import UUID

from app_example.tokens.schemas import Refresh, SignIn
from app_example.tokens.store import RefreshTokenStore
from app_example.users.models import User
from app_example.users.store import UserStore
from framework import NotFound, Result, RouteTableDef, Unauthorized, public, raises
from framework.batteries.auth import Passwords, TokenPair, Tokens

routes = RouteTableDef(prefix="/api", tags=["tokens"])


@routes.post("/tokens")
@public
async def sign_in(
    body: SignIn, users: UserStore, passwords: Passwords, tokens: Tokens, store: RefreshTokenStore
) -> Result[TokenPair]:
    """Sign in."""
    user = await users.authenticate(body.email, body.password, passwords)
    return kept_from_caches(await pair_of(user, tokens, store))


@routes.post("/tokens/refresh")
@public
@raises(Unauthorized)
async def refresh(
    body: Refresh, users: UserStore, tokens: Tokens, store: RefreshTokenStore
) -> Result[TokenPair]:
    """Trade a refresh token in for new tokens; whoever uses one twice ends the sign-in that it stems from."""
    grant = await tokens.redeem(body.refresh_token, store=store)
    try:
        user = await users.get(UUID(grant.subject))
    except NotFound as error:
        raise Unauthorized("This account is not there any more.") from error
    if grant.generation != user.generation:
        raise Unauthorized("This sign-in was ended.")
    return kept_from_caches(await pair_of(user, tokens, store, grant.family))


async def pair_of(
    user: User, tokens: Tokens, store: RefreshTokenStore, family: str | None = None
) -> TokenPair:
    """Issue tokens of the user's sign-ins that count."""
    return await tokens.issue_pair(
        str(user.id), user.scopes, store=store, family=family, generation=user.generation
    )


def kept_from_caches(pair: TokenPair) -> Result[TokenPair]:
    """Answer with tokens (RFC 6749, 5.1)."""
    return Result(pair, headers={"Cache-Control": "no-store"})
