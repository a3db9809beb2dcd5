"""Posts in the database."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app_example.posts.models import Post
from app_example.posts.schemas import PostDraft, PostQuery
from app_example.tables import now
from app_example.users.models import User
from framework import Forbidden, NotFound, Principal, raises
from framework.batteries.database import Pages
from framework.paging import Page


class PostStore:
    """The posts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, draft: PostDraft, author: User) -> Post:
        """Keep a new post."""
        moment = now()
        post = Post(title=draft.title, text=draft.text, author=author, files=[])
        post.created_at = post.updated_at = moment
        self._session.add(post)
        await self._session.flush()
        return post

    @raises(NotFound)
    async def get(self, post_id: UUID) -> Post:
        """Return a post.

        Raises:
            NotFound: There is none with that id.
        """
        post = await self._session.get(Post, post_id)
        if post is None:
            raise NotFound("post", post_id)
        return post

    @raises(NotFound, Forbidden)
    async def get_own(self, post_id: UUID, principal: Principal) -> Post:
        """Return a post that its author wants to change.

        Raises:
            NotFound: There is none with that id.
            Forbidden: Somebody else wrote it. Everybody can read posts, so that it is there is no secret.
        """
        post = await self.get(post_id)
        if principal.subject != str(post.author_id):
            raise Forbidden("Somebody else wrote this post.")
        return post

    async def page(self, query: PostQuery, pages: Pages) -> Page[Post]:
        """Return a page of the posts that are asked for."""
        sort = {"created_at": Post.created_at, "title": Post.title}
        return await pages.read(select(Post), query, sort=sort, key=Post.id, filters={"q": _has})

    async def change(self, post: Post, changes: Mapping[str, str]) -> None:
        """Set some of a post's columns."""
        for column, value in changes.items():
            setattr(post, column, value)
        await self._session.flush()

    async def remove(self, post: Post) -> None:
        """Take a post off the board."""
        await self._session.delete(post)
        await self._session.flush()


def _has(words: str) -> ColumnElement[bool]:
    return or_(*(column.icontains(words, autoescape=True) for column in (Post.title, Post.text)))
