"""Accounts: anybody registers, everybody changes and deletes their own."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from app_example.files.store import FileStore
from app_example.tokens.store import RefreshTokenStore
from app_example.users.schemas import UserDraft, UserView, is_self_or_admin
from app_example.users.store import UserStore
from framework import (
    Forbidden,
    Partial,
    Principal,
    Result,
    RouteTableDef,
    authenticated,
    created,
    public,
    raises,
)
from framework.batteries.auth import Passwords
from framework.batteries.database import Pages
from framework.paging import Page, PageQuery, linked

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
    request: web.Request, query: PageQuery, principal: Principal, users: UserStore, pages: Pages
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
@authenticated
async def change_user(
    user_id: UUID,
    body: Partial[UserDraft],
    principal: Principal,
    users: UserStore,
    passwords: Passwords,
    tokens: RefreshTokenStore,
) -> UserView:
    """Change a user's name, e-mail address or password; a new password ends every other sign-in."""
    ensure_self_or_admin(principal, user_id)
    changes = dict(body)
    password = changes.pop("password", None)
    if password is not None:
        changes["password_hash"] = await passwords.hash(password)
    user = await users.get(user_id)
    await users.change(user, changes)
    if password is not None:
        await tokens.revoke_all(user_id)
    return UserView.of(user, principal)


@routes.delete("/users/{user_id}", status=204)
@authenticated
async def delete_user(user_id: UUID, principal: Principal, users: UserStore, files: FileStore) -> None:
    """Delete a user, with all posts and files."""
    ensure_self_or_admin(principal, user_id)
    user = await users.get(user_id)
    await files.remove_all_of_author(user_id)
    await users.remove(user)


@raises(Forbidden)
def ensure_self_or_admin(principal: Principal, user_id: UUID) -> None:
    """Check that somebody may change a user.

    Raises:
        Forbidden: It is somebody else's account.
    """
    if not is_self_or_admin(principal, user_id):
        raise Forbidden("This is somebody else's account.")
