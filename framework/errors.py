"""Errors that a service raises, and the problem document that each becomes (RFC 9457).

::

    ServiceError                500
    ├── BadRequest              400
    │   └── MalformedBody       400
    ├── Unauthorized            401
    ├── Forbidden               403
    ├── NotFound                404
    ├── MethodNotAllowed        405
    ├── NotAcceptable           406
    ├── RequestTimeout          408
    ├── Conflict                409
    ├── Gone                    410
    ├── PreconditionFailed      412
    ├── ContentTooLarge         413
    ├── UnsupportedMediaType    415
    ├── UnprocessableContent    422
    ├── TooManyRequests         429
    ├── BadGateway              502
    ├── ServiceUnavailable      503
    └── GatewayTimeout          504

    ConfigurationError          the service is put together wrongly: it does not start
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, ClassVar

PROBLEM_MEDIA_TYPE = "application/problem+json"

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {
    # NOTE: Python before 3.13 has the phrases of RFC 7231 for these.
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


def phrase(status: int) -> str:
    """Return a status's name (RFC 9110, 15); ``Error`` for one that has none."""
    return _PHRASES.get(status, "Error")


@dataclass(frozen=True, slots=True)
class Fault:
    """State one thing that is wrong with a request.

    Attributes:
        location: The part of the request: ``body``, ``form``, ``path``, ``query``, ``headers`` or ``cookies``.
        pointer: A JSON pointer into that part (RFC 6901); empty for the part as a whole.
        detail: A sentence for a person.
    """

    location: str
    pointer: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"in": self.location, "pointer": self.pointer, "detail": self.detail}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Describe an error to a client (RFC 9457).

    Attributes:
        status: The HTTP status.
        title: What kind of error it is; the same text each time.
        detail: What went wrong this time; empty when there is nothing to add.
        type: A URI of the kind; ``about:blank`` when the status says it all.
        extensions: Further members, such as ``errors``.
        headers: Response headers that belong to the error, such as ``Allow``.
    """

    status: int
    title: str = ""
    detail: str = ""
    type: str = "about:blank"
    extensions: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "type": self.type,
            "title": self.title or phrase(self.status),
            "status": self.status,
        }
        if self.detail:
            document["detail"] = self.detail
        return {**document, **self.extensions}


class ConfigurationError(Exception):
    """Say that a service is put together wrongly; it is raised before the first request, never during one."""


class ServiceError(Exception):
    """Report a fault to the client; the class owns the status, the instance says what happened."""

    status: ClassVar[int] = 500

    def __init__(
        self,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.extensions = extensions

    def problem(self) -> Problem:
        """Return the document that the client gets."""
        return Problem(
            status=self.status, detail=self.detail, extensions=self.extensions, headers=self.headers
        )


class BadRequest(ServiceError):
    status = 400


class MalformedBody(BadRequest):
    """Refuse a body that cannot be read at all, such as broken JSON."""


class Unauthorized(ServiceError):
    """Ask for credentials (RFC 9110, 11.6.1: a challenge always goes with it)."""

    status = 401

    def __init__(self, detail: str = "Credentials are needed.", *, challenge: str = "Bearer") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class Forbidden(ServiceError):
    status = 403


class NotFound(ServiceError):
    """Say that there is no such thing: ``NotFound("post", post_id)``."""

    status = 404

    def __init__(self, kind: str = "resource", identity: object = None) -> None:
        named = f"There is no {kind}." if identity is None else f"There is no {kind} {str(identity)[:100]!r}."
        super().__init__(named)


class MethodNotAllowed(ServiceError):
    """Refuse a method and list those that the path has (RFC 9110, 15.5.6)."""

    status = 405

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        allow = ", ".join(sorted(allowed))
        super().__init__(f"{method[:20]} is not allowed here; allowed: {allow}.", headers={"Allow": allow})


class NotAcceptable(ServiceError):
    status = 406


class RequestTimeout(ServiceError):
    status = 408


class Conflict(ServiceError):
    status = 409


class Gone(ServiceError):
    status = 410


class PreconditionFailed(ServiceError):
    status = 412


class ContentTooLarge(ServiceError):
    """Refuse a body, or a part of one, above its limit."""

    status = 413

    def __init__(self, limit: int, what: str = "body") -> None:
        super().__init__(f"The {what} is larger than {limit} bytes.", limit=limit)


class UnsupportedMediaType(ServiceError):
    """Refuse a body of another media type than the endpoint reads (RFC 9110, 15.5.16)."""

    status = 415

    def __init__(self, received: str, supported: Sequence[str]) -> None:
        wanted = ", ".join(supported)
        sent = f"'{received[:100]}'" if received else "a body without Content-Type"
        super().__init__(f"Send {wanted}; this was {sent}.", headers={"Accept": wanted})


class UnprocessableContent(ServiceError):
    """Refuse a well-formed request with all that is wrong with it: faults, or one sentence."""

    status = 422

    def __init__(self, faults: Sequence[Fault] | str, detail: str = "") -> None:
        if isinstance(faults, str):
            self.faults: tuple[Fault, ...] = ()
            super().__init__(faults)
            return
        self.faults = tuple(faults)
        count = len(self.faults)
        summary = detail or ("One value is not valid." if count == 1 else f"{count} values are not valid.")
        super().__init__(summary, errors=[fault.as_dict() for fault in self.faults])


class TooManyRequests(ServiceError):
    """Ask the client to slow down (RFC 6585, 4)."""

    status = 429

    def __init__(self, retry_after_seconds: int, detail: str = "Too many requests.") -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class BadGateway(ServiceError):
    status = 502


class ServiceUnavailable(ServiceError):
    """Say that the service cannot answer now, and when to come again."""

    status = 503

    def __init__(
        self, detail: str = "", *, retry_after_seconds: int | None = None, **extensions: Any
    ) -> None:
        headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
        super().__init__(detail, headers=headers, **extensions)


class GatewayTimeout(ServiceError):
    status = 504
