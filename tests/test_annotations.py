"""Annotations are taken apart however they are nested."""

from __future__ import annotations

from typing import Annotated, Any, Final, Optional, TypeVar
from uuid import UUID

import pytest
from typing_extensions import TypeAliasType

from framework.annotations import Stripped, strip, without_none

K = TypeVar("K")
V = TypeVar("V")
Id = TypeAliasType("Id", UUID)
Same = TypeAliasType("Same", V, type_params=(V,))
Table = TypeAliasType("Table", dict[K, list[V]], type_params=(V, K))
Perhaps = TypeAliasType("Perhaps", Annotated[Id | None, "inner"])


@pytest.mark.parametrize(
    ("annotation", "parts"),
    [
        (int, Stripped(int)),
        (None, Stripped(None, optional=True)),
        (int | None, Stripped(int, optional=True)),
        (Optional[int], Stripped(int, optional=True)),  # noqa: UP045 - the older spelling
        (int | str | None, Stripped(int | str, optional=True)),
        (Annotated[int | None, "a"], Stripped(int, optional=True, extras=("a",))),
        (Annotated[Annotated[int, "b"] | None, "a"], Stripped(int, optional=True, extras=("a", "b"))),
        (Final[int], Stripped(int)),
        (Id, Stripped(UUID)),
        (Optional[Id], Stripped(UUID, optional=True)),  # noqa: UP045 - the older spelling
        (Annotated[Perhaps, "outer"], Stripped(UUID, optional=True, extras=("outer", "inner"))),
        (Same[int], Stripped(int)),
        (Optional[Same[int | None]], Stripped(int, optional=True)),  # noqa: UP045 - the older spelling
        (Table[int, str], Stripped(dict[str, list[int]])),
    ],
)
def test_an_annotation_is_taken_apart(annotation: Any, parts: Stripped) -> None:
    assert strip(annotation) == parts


def test_what_is_annotated_is_kept_without_none() -> None:
    assert without_none(Annotated[int | None, "a"]) == Annotated[int, "a"]
