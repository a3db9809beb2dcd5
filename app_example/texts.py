"""The texts that people may write: ``Annotated`` types, so that forms, JSON and OpenAPI agree."""

from __future__ import annotations

from typing import Annotated

from marshmallow import ValidationError
from marshmallow.validate import Email, Length


def one_line(text: str) -> None:
    """Check that a text can stand in a list.

    Raises:
        ValidationError: It is blank, or has line breaks or other control characters.
    """
    if not text.strip() or not text.isprintable():
        raise ValidationError("Must be one line of text.")


def not_blank(text: str) -> None:
    """Check that there is something to read.

    Raises:
        ValidationError: There is none.
    """
    if not text.strip():
        raise ValidationError("Must not be blank.")


Line = Annotated[str, Length(1, 100), one_line]
Text = Annotated[str, Length(1, 10_000), not_blank]
EmailAddress = Annotated[str, Email(), Length(max=254)]
Password = Annotated[str, Length(8, 200)]
