"""A form that a page shows again when it is not valid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from framework.errors import Fault

T = TypeVar("T")


@dataclass(frozen=True)  # with slots, Form[Draft](...) would be a TypeError on Python 3.11
class Form(Generic[T]):
    """Hold what a form brought, valid or not; annotate a handler's ``form`` with ``Form[Draft]`` to get it.

    Attributes:
        value: The validated form; None when it is not valid.
        data: The texts as they were sent, for showing the form again.
        errors: Messages by field; under the empty name those of the form as a whole.
    """

    value: T | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        return self.value is not None and not self.errors

    def refused(self, name: str, message: str) -> Form[T]:
        """Return the form with one more message, such as «taken» beside an address."""
        errors = {**self.errors, name: (*self.errors.get(name, ()), message)}
        return replace(self, errors=errors)


def errors_by_field(faults: Iterable[Fault]) -> dict[str, tuple[str, ...]]:
    """Group faults by the first member of their pointer."""
    errors: dict[str, tuple[str, ...]] = {}
    for fault in faults:
        name = fault.pointer.removeprefix("/").split("/", 1)[0]
        errors[name] = (*errors.get(name, ()), fault.detail)
    return errors
