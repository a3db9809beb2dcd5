"""Exceptions of the user's own, translated into the errors that a client is told of."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from framework.errors import ConfigurationError, ServiceError

Translation = type[ServiceError] | Callable[[Any], ServiceError | None]
Translations = Mapping[type[Exception], Translation]

_log = logging.getLogger("framework.problems")


def translator(translations: Translations) -> Callable[[Exception], Exception]:
    """Return what puts an error of the tree in `framework.errors` in the place of an exception.

    The nearest class counts, as with ``except``. A class of errors is called without arguments, so nothing that an
    exception says reaches a client by itself; a function decides what does, and may return None to decline.

    Raises:
        ConfigurationError: A key is no class of exceptions, or a value makes no error.
    """
    for kind, translation in translations.items():
        _ensure_fit(kind, translation)
    # Errors that say themselves what they mean stay as they are, though somebody translates Exception.
    table: dict[type, Translation | None] = {ServiceError: None, web.HTTPException: None, **translations}

    def translate(error: Exception) -> Exception:
        nearest = next((table[kind] for kind in type(error).__mro__ if kind in table), None)
        if nearest is None:
            return error
        try:
            made = nearest() if isinstance(nearest, type) else nearest(error)
        except Exception:  # noqa: BLE001 - the function is the user's; the first error is still there to be told
            _log.exception("translation_failed", extra={"exception": type(error).__qualname__})
            return error
        if not isinstance(made, ServiceError):
            return error
        made.__cause__ = error
        return made

    return translate


def _ensure_fit(kind: object, translation: object) -> None:
    if not (isinstance(kind, type) and issubclass(kind, Exception)):
        raise ConfigurationError(
            f"A key of 'mapping' is a class of exceptions, not {kind!r}: {{UserNotFound: NotFound}}."
        )
    name = kind.__name__
    if isinstance(translation, type) and issubclass(translation, ServiceError):
        try:
            inspect.signature(translation).bind()
        except TypeError as error:
            made = translation.__name__
            raise ConfigurationError(
                f"'mapping' of {name}: {made} needs arguments; write {{{name}: lambda error: {made}(...)}}."
            ) from error
    elif isinstance(translation, type) or not callable(translation):
        raise ConfigurationError(
            f"'mapping' of {name} is a class of framework.errors or a function, not {translation!r}: "
            f"write {{{name}: lambda error: Conflict(str(error))}}."
        )
