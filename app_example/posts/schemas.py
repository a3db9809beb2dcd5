"""What goes in and out about posts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from marshmallow.validate import Length

from app_example.files.schemas import FileView
from app_example.posts.models import Post
from app_example.texts import Line, Text
from framework.paging import PageQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class PostQuery(PageQuery):
    """Ask for a page of posts, of those with some words if there are any.

    Attributes:
        q: What stands in the title or in the text, in capitals or not.
    """

    q: Annotated[str | None, Length(1, 100)] = None
    sort: Literal["created_at", "-created_at", "title", "-title"] | None = None


@dataclass(frozen=True, slots=True)
class PostDraft:
    """What a post is written with, or what shall change."""

    title: Line
    text: Text


@dataclass(frozen=True, slots=True)
class AuthorView:
    """The author of a post."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class PostView:
    """A post."""

    id: UUID
    title: str
    text: str
    author: AuthorView
    files: list[FileView]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, post: Post) -> PostView:
        """Show a post, with its author's name and its files."""
        return cls(
            id=post.id,
            title=post.title,
            text=post.text,
            author=AuthorView(post.author.id, post.author.name),
            files=[FileView.of(file) for file in post.files],
            created_at=post.created_at,
            updated_at=post.updated_at,
        )
