"""What a PATCH sends: just some of the fields of a type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, ClassVar, Generic, TypeVar

from marshmallow import Schema

from framework.errors import UnprocessableContent
from framework.problem import Fault
from framework.validation.faults import segment

T = TypeVar("T")


class Partial(Mapping[str, Any], Generic[T]):
    """Just the fields of ``T`` that were sent, by their Python names.

    Every value is valid as the field's annotation says; a nested object is itself a ``Partial``, while the
    items of a list are complete, because a list replaces the old one (RFC 7396).
    """

    __slots__ = ("_sent",)

    schema: ClassVar[Schema | None] = None
    """The schema of the whole type, where it is known."""

    def __init__(self, sent: Mapping[str, Any] | None = None) -> None:
        self._sent = dict(sent or {})

    def __getitem__(self, name: str) -> Any:
        return self._sent[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sent)

    def __len__(self) -> int:
        return len(self._sent)

    def __repr__(self) -> str:
        return f"Partial({self._sent!r})"

    def whole(self) -> Any:
        """Return an object of the type, if all of its required fields were sent.

        Raises:
            UnprocessableContent: They were not; the faults have pointers into the body.
        """
        faults = list(self._faults("", None))
        if faults:
            raise UnprocessableContent(faults)
        return self._made()

    def apply(self, target: Any) -> None:
        """Set the sent fields on an object or in a dict, and those of nested objects on theirs.

        Where there is no nested object yet, what was sent of it becomes one.

        Raises:
            UnprocessableContent: That lacks required fields; nothing has been set.
        """
        faults = list(self._faults("", target))
        if faults:
            raise UnprocessableContent(faults)
        self._set(target)

    def _set(self, target: Any) -> None:
        for name, value in self._sent.items():
            current = _current(target, name)
            if isinstance(value, Partial) and current is not None:
                value._set(current)
                continue
            made = value._made() if isinstance(value, Partial) else value
            if isinstance(target, MutableMapping):
                target[name] = made
            else:
                setattr(target, name, made)

    def _made(self) -> Any:
        """Return an object of the type, nested ones included, with the defaults of what was not sent."""
        given = {name: each._made() if isinstance(each, Partial) else each for name, each in self.items()}
        target = getattr(self.schema, "target", None)
        try:
            return given if target is None else target(**given)
        except ValueError as error:  # of its __post_init__
            raise UnprocessableContent([Fault("body", "", str(error))]) from error

    def _faults(self, pointer: str, target: Any) -> Iterator[Fault]:
        """Yield what lacks for whole objects, where there is none that could be changed."""
        fields = {} if self.schema is None else self.schema.fields
        for name, field in fields.items() if target is None else ():
            if field.required and not field.dump_only and name not in self._sent:
                place = f"{pointer}/{segment(field.data_key or name)}"
                yield Fault("body", place, str(field.error_messages["required"]))
        for name, value in self._sent.items():
            if isinstance(value, Partial):
                key = fields[name].data_key if name in fields else None
                yield from value._faults(f"{pointer}/{segment(key or name)}", _current(target, name))


def _current(target: Any, name: str) -> Any:
    return target.get(name) if isinstance(target, Mapping) else getattr(target, name, None)
