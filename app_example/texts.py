"""The texts that people may write: ``Annotated`` types, so that forms, JSON and OpenAPI agree."""

from __future__ import annotations

from typing import Annotated

from marshmallow.validate import Email, Length, Regexp

# As classes of characters that mean the same in Python and in JSON Schema (ECMA-262), where \s differs.
_SPACES = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = r"\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_CONTROLS = rf"\u0001-\u001f\u007f-\u009f\u2028\u2029{_INVISIBLE}"
_END = r"(?![\s\S])"

one_line = Regexp(
    rf"^[{_SPACES}]*[^\u0000{_SPACES}{_CONTROLS}][^\u0000{_CONTROLS}]*{_END}",
    error="Must be one line of text.",
)
not_blank = Regexp(
    rf"^[{_SPACES}{_CONTROLS}]*[^\u0000{_SPACES}{_CONTROLS}][^\u0000]*{_END}", error="Must not be blank."
)

Line = Annotated[str, Length(1, 100), one_line]
Text = Annotated[str, Length(1, 10_000), not_blank]
EmailAddress = Annotated[str, Email(), Length(max=254)]
Password = Annotated[str, Length(8, 200)]
