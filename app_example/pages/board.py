"""Pages on which people read, write and talk."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp import web
from aiohttp_session import Session

from app_example.chat.schemas import RoomName
from app_example.files.schemas import Upload
from app_example.files.store import FileStore
from app_example.posts.schemas import PostDraft, PostQuery
from app_example.posts.store import PostStore
from app_example.settings import FileSettings
from app_example.users.store import UserStore
from framework import (
    Form,
    Principal,
    Result,
    RouteTableDef,
    ServiceError,
    authenticated,
    public,
    redirect,
    template,
    undocumented,
)
from framework.batteries.database import Pages
from framework.batteries.templates import flash

Page = dict[str, Any]

routes = RouteTableDef(tags=["pages"])
routes.static("/static", Path(__file__).parents[1] / "static", name="static")


@routes.get("/", name="home")
@public
@template("home.html")
async def show_posts(query: PostQuery, posts: PostStore, pages: Pages) -> Page:
    """Show the newest posts, or those with some words."""
    page = await posts.page(query, pages)
    return {"posts": page.items, "next": page.next, "q": query.q or "", "first": query.cursor is None}


@routes.get("/about", name="about")
@public
@template("about.html")
async def show_about() -> Page:
    """Tell what this is."""
    return {}


@routes.get("/posts/new", name="new_post")
@authenticated
@template("new_post.html")
async def show_draft() -> Page:
    """Ask for a title and a text."""
    return {"form": None}


@routes.post("/posts/new")
@authenticated
@template("new_post.html")
async def publish(
    form: Form[PostDraft], principal: Principal, posts: PostStore, users: UserStore, session: Session
) -> web.StreamResponse | Result[Page]:
    """Put a post on the board."""
    if form.value is None:
        return Result({"form": form}, 422)
    post = await posts.add(form.value, author=await users.get_caller(principal))
    flash(session, "Your post is on the board.", "success")
    return redirect(f"/posts/{post.id}")


@routes.get("/posts/{post_id}", name="post")
@public
@template("post.html")
async def show_post(post_id: UUID, posts: PostStore) -> Page:
    """Show a post with its files."""
    return {"post": await posts.get(post_id)}


@routes.get("/posts/{post_id}/edit", name="edit_post")
@authenticated
@template("edit_post.html")
async def show_edit(post_id: UUID, principal: Principal, posts: PostStore) -> Page:
    """Show a post of one's own to be changed."""
    return {"form": None, "post": await posts.get_own(post_id, principal)}


@routes.post("/posts/{post_id}/edit")
@authenticated
@template("edit_post.html")
async def edit(
    post_id: UUID, form: Form[PostDraft], principal: Principal, posts: PostStore, session: Session
) -> web.StreamResponse | Result[Page]:
    """Change a post of one's own."""
    post = await posts.get_own(post_id, principal)
    if form.value is None:
        return Result({"form": form, "post": post}, 422)
    await posts.change(post, {"title": form.value.title, "text": form.value.text})
    flash(session, "Your post is changed.", "success")
    return redirect(f"/posts/{post.id}")


@routes.post("/posts/{post_id}/delete")
@undocumented
@authenticated
async def take_down(
    post_id: UUID, principal: Principal, posts: PostStore, files: FileStore, session: Session
) -> web.Response:
    """Take a post of one's own off the board."""
    post = await posts.get_own(post_id, principal)
    await files.remove_all_of_post(post_id)
    await posts.remove(post)
    flash(session, "Your post is gone.")
    return redirect("/")


@routes.get("/rooms/{room}", name="room")
@public
@template("room.html")
async def show_room(room: RoomName) -> Page:
    """Show a room to talk in."""
    return {"room": room}


def upload_routes(settings: FileSettings) -> RouteTableDef:
    """Return the route that attaches a file; the largest body that it reads is a setting."""
    table = RouteTableDef(tags=["pages"])

    @table.post("/posts/{post_id}/files", max_body=settings.max_bytes + 16 * 1024)
    @authenticated
    @template("post.html")
    async def attach(
        post_id: UUID,
        form: Form[Upload],
        principal: Principal,
        posts: PostStore,
        files: FileStore,
        session: Session,
    ) -> web.StreamResponse | Result[Page]:
        """Attach a file to a post of one's own."""
        post = await posts.get_own(post_id, principal)
        if form.value is None:
            return Result({"post": post, "form": form}, 422)
        try:
            file = await files.add(post, form.value.file)
        except ServiceError as error:
            return Result({"post": post, "form": form.refused("file", error.detail)}, error.status)
        flash(session, f"{file.name} is attached.", "success")
        return redirect(f"/posts/{post_id}")

    return table
