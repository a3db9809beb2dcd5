"""The board: everybody reads, signed-in users write, and only the author changes a post."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from app_example.files.store import FileStore
from app_example.posts.schemas import PostDraft, PostQuery, PostView
from app_example.posts.store import PostStore
from app_example.users.store import UserStore
from framework import Partial, Principal, Result, RouteTableDef, authenticated, created, limit, public
from framework.batteries.database import Pages
from framework.batteries.idempotency import idempotent
from framework.paging import Page, linked

routes = RouteTableDef(prefix="/api", tags=["posts"])


@routes.get("/posts")
@public
async def list_posts(
    request: web.Request, query: PostQuery, posts: PostStore, pages: Pages
) -> Result[Page[PostView]]:
    """List all posts, newest first."""
    page = await posts.page(query, pages)
    return linked(request, page.map(PostView.of))


@routes.post("/posts", status=201)
@limit("120/minute")
@authenticated
@idempotent
async def create_post(
    body: PostDraft, principal: Principal, posts: PostStore, users: UserStore
) -> Result[PostView]:
    """Write a post."""
    post = await posts.add(body, author=await users.get_caller(principal))
    return created(PostView.of(post), location=f"/api/posts/{post.id}")


@routes.get("/posts/{post_id}")
@public
async def get_post(post_id: UUID, posts: PostStore) -> PostView:
    """Read a post."""
    return PostView.of(await posts.get(post_id))


@routes.patch("/posts/{post_id}")
@authenticated
async def change_post(
    post_id: UUID, body: Partial[PostDraft], principal: Principal, posts: PostStore
) -> PostView:
    """Change a post of one's own."""
    post = await posts.get_own(post_id, principal)
    await posts.change(post, body)
    return PostView.of(post)


@routes.delete("/posts/{post_id}", status=204)
@authenticated
async def delete_post(post_id: UUID, principal: Principal, posts: PostStore, files: FileStore) -> None:
    """Delete a post of one's own, with its files."""
    post = await posts.get_own(post_id, principal)
    await files.remove_all_of_post(post_id)
    await posts.remove(post)
