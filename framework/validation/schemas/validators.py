"""What stands in ``Annotated`` as a validator: marshmallow's, those of annotated-types, and functions of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from framework.validation.codecs.registry import find_codec

Validator = Callable[[Any], Any]

_ELSEWHERE = ("pydantic", "pydantic_core", "msgspec")
_MARSHMALLOWS = "write marshmallow.validate's Range(...), Length(...) or Regexp(...)"


class Misplaced(Exception):
    """What cannot be a validator here, and what to write instead."""


class Question:
    """A function of a user's own: what it answers with False, or a ValueError, is not valid."""

    def __init__(self, function: Validator) -> None:
        self._function = function

    def __call__(self, value: Any) -> None:
        try:
            answer = self._function(value)
        except ValidationError:
            raise
        except ValueError as error:
            raise ValidationError(str(error) or "Invalid value.") from error
        if answer is False:
            raise ValidationError("Invalid value.")

    def __repr__(self) -> str:
        return repr(self._function)


class MultipleOf(validate.Validator):
    """A check that a number is a multiple of another one."""

    def __init__(self, factor: Any) -> None:
        self.factor = factor

    def __call__(self, value: Any) -> Any:
        if value % self.factor != 0:
            raise ValidationError(f"Must be a multiple of {self.factor}.")
        return value


def validators_from(extra: Any) -> list[Validator]:
    """Return the validators that something in ``Annotated`` stands for; none where it is something else.

    Raises:
        Misplaced: It looks like a validator, and would not be one.
    """
    library = type(extra).__module__.partition(".")[0]
    if library in _ELSEWHERE:
        raise Misplaced(f"{type(extra).__name__} of {library} is not read here; {_MARSHMALLOWS}")
    if library == "annotated_types":
        return _from_annotated_types(extra)
    if isinstance(extra, type):
        return _from_class(extra)
    if not callable(extra) or isinstance(extra, Schema | fields.Field):
        return []
    if inspect.iscoroutinefunction(extra) or inspect.iscoroutinefunction(getattr(extra, "__call__", None)):  # noqa: B004
        raise Misplaced(
            f"{getattr(extra, '__qualname__', extra)} is a coroutine, and nothing waits for a validator;"
            " write a plain function, and ask a database in the handler"
        )
    return [extra if isinstance(extra, validate.Validator) else Question(extra)]


def ensure_fit(field: fields.Field[Any], validators: Iterable[Validator]) -> None:
    """Refuse validators of marshmallow that cannot judge a field's values.

    Raises:
        Misplaced: There is one.
    """
    codec = find_codec(field)
    if codec is None or codec.sample is None:
        return
    for validator in validators:
        if not isinstance(validator, validate.Validator):
            continue
        try:
            validator(codec.sample)
        except TypeError as error:
            raise Misplaced(
                f"{type(validator).__name__} does not fit {type(codec.sample).__name__} ({error}); Range is for what"
                " has an order, Length for what has a length, Regexp, Email and URL for text"
            ) from error
        except ValidationError:
            pass


def _from_class(extra: type) -> list[Validator]:
    if not issubclass(extra, validate.Validator):
        return []
    try:
        return [extra()]
    except TypeError as error:
        raise Misplaced(f"{extra.__name__} has to be called: write {extra.__name__}(...)") from error


def _from_annotated_types(extra: Any) -> list[Validator]:
    """Return the validators of a constraint of annotated-types, known by its attributes: it need not be installed."""
    name = type(extra).__name__
    if name in ("Interval", "Len"):  # groups of others
        return [each for part in extra for each in _from_annotated_types(part)]
    makers: dict[str, Callable[[], Validator]] = {
        "Gt": lambda: validate.Range(min=extra.gt, min_inclusive=False),
        "Ge": lambda: validate.Range(min=extra.ge),
        "Lt": lambda: validate.Range(max=extra.lt, max_inclusive=False),
        "Le": lambda: validate.Range(max=extra.le),
        "MinLen": lambda: validate.Length(min=extra.min_length),
        "MaxLen": lambda: validate.Length(max=extra.max_length),
        "MultipleOf": lambda: MultipleOf(extra.multiple_of),
        "Predicate": lambda: Question(lambda value: bool(extra.func(value))),
    }
    if name in ("DocInfo", "Unit"):  # these tell people something
        return []
    if name not in makers:
        raise Misplaced(f"{name} of annotated_types is not read here; {_MARSHMALLOWS}")
    return [makers[name]()]
