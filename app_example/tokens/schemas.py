"""What goes in about tokens; what comes out is the framework's `TokenPair`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from marshmallow.validate import Length, Regexp


@dataclass(frozen=True, slots=True)
class SignIn:
    """Who it is, and the proof."""

    email: Annotated[str, Length(1, 254)]
    password: Annotated[str, Length(1, 200)] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refresh:
    """Trade a refresh token in; it is good for one use."""

    refresh_token: Annotated[str, Length(1, 8_192), Regexp(r"[A-Za-z0-9_.-]+\Z")] = field(repr=False)
