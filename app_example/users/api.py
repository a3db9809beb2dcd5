"""Accounts: anybody registers, everybody changes and deletes their own."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web
from aiohttp_session import Session

from app_example.files.store import FileStore
from app_example.tokens.store import RefreshTokenStore
from app_example.users.models import User
from app_example.users.schemas import UserChange, UserDraft, UserQuery, UserView, is_self_or_admin
from app_example.users.store import UserStore
from framework import (
    Forbidden,
    Partial,
    Principal,
    Result,
    RouteTableDef,
    authenticated,
    created,
    limit,
    public,
    raises,
)
from framework.batteries.auth import Passwords
from framework.batteries.database import Pages
from framework.batteries.sessions import sign_in
from framework.paging import Page, linked

routes = RouteTableDef(prefix="/api", tags=["users"])


@routes.post("/users", status=201)
@public
async def create_user(body: UserDraft, users: UserStore, passwords: Passwords) -> Result[UserView]:
    """Register."""
    password_hash = await passwords.hash(body.password)
    user = await users.add(body.name, body.email, password_hash)
    return created(UserView.whole(user), location=f"/api/users/{user.id}")


@routes.get("/users")
@authenticated
async def list_users(
    request: web.Request, query: UserQuery, principal: Principal, users: UserStore, pages: Pages
) -> Result[Page[UserView]]:
    """List all users, newest first."""
    page = await users.page(query, pages)
    return linked(request, page.map(lambda user: UserView.of(user, principal)))


@routes.get("/users/{user_id}")
@authenticated
async def get_user(user_id: UUID, principal: Principal, users: UserStore) -> UserView:
    """Show a user."""
    return UserView.of(await users.get(user_id), principal)


@routes.patch("/users/{user_id}")
@limit("30/minute")  # who has found an open browser does not guess the password there
@authenticated
async def change_user(
    user_id: UUID,
    body: Partial[UserChange],
    principal: Principal,
    session: Session,
    users: UserStore,
    passwords: Passwords,
    tokens: RefreshTokenStore,
) -> UserView:
    """Change a user's name, e-mail address or password.

    A new password wants ``current_password``, which is that of the one who changes it, and ends every sign-in of the
    user but the browser's session that it comes from.
    """
    ensure_self_or_admin(principal, user_id)
    changes = dict(body)
    current, password = changes.pop("current_password", None), changes.pop("password", None)
    if password is not None:
        await users.ensure_password(await users.get_caller(principal), current, passwords)
        changes["password_hash"] = await passwords.hash(password)
    user = await users.get(user_id)
    await users.change(user, changes)
    if password is not None:
        await end_sign_ins(user, users, tokens)
        if principal.scheme == "session" and principal.subject == str(user_id):
            sign_in(session, user.principal)
    return UserView.of(user, principal)


@routes.delete("/users/{user_id}/sign-ins", status=204)
@authenticated
async def sign_out_everywhere(
    user_id: UUID, principal: Principal, users: UserStore, tokens: RefreshTokenStore
) -> None:
    """End every sign-in of a user, this one included."""
    ensure_self_or_admin(principal, user_id)
    await end_sign_ins(await users.get(user_id), users, tokens)


@routes.delete("/users/{user_id}", status=204)
@authenticated
async def delete_user(user_id: UUID, principal: Principal, users: UserStore, files: FileStore) -> None:
    """Delete a user, with all posts and files."""
    ensure_self_or_admin(principal, user_id)
    user = await users.get(user_id)
    await files.remove_all_of_author(user_id)
    await users.remove(user)


async def end_sign_ins(user: User, users: UserStore, tokens: RefreshTokenStore) -> None:
    """Let no session and no token of a user count any more."""
    await users.end_sign_ins(user)
    await tokens.revoke_all(user.id)


@raises(Forbidden)
def ensure_self_or_admin(principal: Principal, user_id: UUID) -> None:
    """Check that somebody may change a user.

    Raises:
        Forbidden: It is somebody else's account.
    """
    if not is_self_or_admin(principal, user_id):
        raise Forbidden("This is somebody else's account.")
