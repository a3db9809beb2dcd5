"""What goes to and fro in a room, as JSON texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from marshmallow.validate import Length, Regexp

from app_example.texts import not_blank

RoomName = Annotated[
    str, Regexp(r"[a-z0-9-]{1,40}\Z", error="Must be small letters, digits and hyphens, at most 40.")
]


@dataclass(frozen=True, slots=True)
class Say:
    """Something to be said to everybody in the room."""

    text: Annotated[str, Length(1, 1_000), not_blank]


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said."""

    name: str
    text: str
    type: Literal["said"] = "said"


@dataclass(frozen=True, slots=True)
class Presence:
    """News that somebody came or went, and how many are there now."""

    type: Literal["joined", "left"]
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Refused:
    """What was wrong with what one member sent."""

    errors: list[str]
    type: Literal["refused"] = "refused"
