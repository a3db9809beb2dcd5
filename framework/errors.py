"""Errors that a service raises, and the problem document that each becomes (RFC 9457).

::

    ServiceError                         500
    ├── BadRequest                       400
    │   └── MalformedBody                400
    ├── Unauthorized                     401
    ├── PaymentRequired                  402
    ├── Forbidden                        403
    ├── NotFound                         404
    ├── MethodNotAllowed                 405
    ├── NotAcceptable                    406
    ├── RequestTimeout                   408
    ├── Conflict                         409
    ├── Gone                             410
    ├── LengthRequired                   411
    ├── PreconditionFailed               412
    ├── ContentTooLarge                  413
    ├── URITooLong                       414
    ├── UnsupportedMediaType             415
    ├── RangeNotSatisfiable              416
    ├── MisdirectedRequest               421
    ├── UnprocessableContent             422
    ├── Locked                           423
    ├── FailedDependency                 424
    ├── TooEarly                         425
    ├── PreconditionRequired             428
    ├── TooManyRequests                  429
    ├── UnavailableForLegalReasons       451
    ├── BadGateway                       502
    ├── ServiceUnavailable               503
    ├── GatewayTimeout                   504
    └── InsufficientStorage              507

    ConfigurationError                   the service is put together wrongly: it does not start
    └── InvalidSetting                   by one of its settings
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from framework.problem import FAULT_SCHEMA, Fault, Problem

Headers = Mapping[str, str] | None


class ConfigurationError(Exception):
    """A mistake in how a service is put together; raised before the first request, never during one."""


class InvalidSetting(ConfigurationError):
    """A setting that cannot be used, by the variable that it is read from.

    Args:
        variable: Its name without the service's prefix, such as ``SESSIONS_KEYS``.
        complaint: What is wrong and what to write instead; ``{variable}`` stands for the name.
    """

    def __init__(self, variable: str, complaint: str) -> None:
        self.variable = variable
        self.complaint = complaint
        super().__init__(self.told())

    def told(self, prefix: str = "") -> str:
        """Return the complaint, with the variable's whole name in it."""
        return self.complaint.format(variable=f"{prefix}{self.variable}")


class ServiceError(Exception):
    """An error that a client is told of; the class owns what is the same each time, the instance says what happened.

    Attributes:
        type, title: A URI of the kind of problem (RFC 9457, 3.1.1), and its name; the status's own when empty.
        members: The types, or JSON Schemas, of further members by their names, for the OpenAPI document.

    Args:
        detail: A sentence for the client.
        headers: Response headers that belong to the error.
        extensions: Further members of the problem document.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "about:blank"
    title: ClassVar[str] = ""
    members: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, detail: str = "", *, headers: Headers = None, **extensions: Any) -> None:
        super().__init__(detail)
        self.detail, self.headers, self.extensions = detail, dict(headers or {}), extensions

    def problem(self) -> Problem:
        """Return what the client is told."""
        kind = Problem(status=self.status, type=self.type, title=self.title)
        return replace(kind, detail=self.detail, extensions=self.extensions, headers=self.headers)


class BadRequest(ServiceError):
    """The request makes no sense to the service (RFC 9110, 15.5.1)."""

    status = 400


class MalformedBody(BadRequest):
    """A body that cannot be read at all, such as broken JSON."""


class Unauthorized(ServiceError):
    """Credentials are missing or not good (RFC 9110, 15.5.2).

    Args:
        challenge: The ``WWW-Authenticate`` of the answer; without one the service names all schemes that it takes.
    """

    status = 401

    def __init__(self, detail: str = "Credentials are needed.", *, challenge: str = "") -> None:
        super().__init__(detail, headers={"WWW-Authenticate": challenge} if challenge else None)


class PaymentRequired(ServiceError):
    """The caller has to pay first (RFC 9110, 15.5.3)."""

    status = 402


class Forbidden(ServiceError):
    """The caller is known, or nobody's credentials would help (RFC 9110, 15.5.4)."""

    status = 403


class NotFound(ServiceError):
    """There is no such thing (RFC 9110, 15.5.5): ``NotFound("post", post_id)`` or ``NotFound("User not found")``.

    Args:
        kind: What kind of thing, as one word; a text with spaces, and no `identity` behind it, is the whole detail.
        identity: Which one; shown up to 100 characters.
    """

    status = 404

    def __init__(self, kind: str = "resource", identity: object = None) -> None:
        if identity is not None:
            super().__init__(f"There is no {kind} {str(identity)[:100]!r}.")
        else:
            super().__init__(kind if " " in kind else f"There is no {kind}.")


class MethodNotAllowed(ServiceError):
    """The path has other methods (RFC 9110, 15.5.6)."""

    status = 405

    def __init__(self, method: str, allowed: Iterable[str]) -> None:
        allow = ", ".join(sorted(allowed))
        super().__init__(f"{method[:20]} is not allowed here; allowed: {allow}.", headers={"Allow": allow})


class NotAcceptable(ServiceError):
    """The client accepts none of the media types or languages that there are (RFC 9110, 15.5.7)."""

    status = 406


class RequestTimeout(ServiceError):
    """The request did not arrive in time (RFC 9110, 15.5.9)."""

    status = 408


class Conflict(ServiceError):
    """The request does not fit the state of the resource (RFC 9110, 15.5.10)."""

    status = 409


class Gone(ServiceError):
    """The resource was there and will not come back (RFC 9110, 15.5.11)."""

    status = 410


class LengthRequired(ServiceError):
    """The body has to come with a ``Content-Length`` (RFC 9110, 15.5.12)."""

    status = 411


class PreconditionFailed(ServiceError):
    """A condition such as ``If-Match`` does not hold (RFC 9110, 15.5.13)."""

    status = 412


class ContentTooLarge(ServiceError):
    """A body, or a part of one, is above its limit (RFC 9110, 15.5.14).

    Args:
        limit: In bytes; or a sentence, which is the whole detail.
        what: The part.
    """

    status = 413
    members: ClassVar[Mapping[str, Any]] = {"limit": int | None}

    def __init__(self, limit: int | str, what: str = "body") -> None:
        if isinstance(limit, str):
            super().__init__(limit)
        else:
            super().__init__(f"The {what} is larger than {limit} bytes.", limit=limit)


class URITooLong(ServiceError):
    """The target of the request is longer than the service reads (RFC 9110, 15.5.15)."""

    status = 414


class UnsupportedMediaType(ServiceError):
    """A body of another media type than the endpoint reads (RFC 9110, 15.5.16).

    Args:
        received: The media type; or a sentence, if there is no `supported` behind it.
        supported: The media types that would do.
    """

    status = 415

    def __init__(self, received: str, supported: Sequence[str] = ()) -> None:
        if not supported:
            super().__init__(received)
            return
        wanted = ", ".join(supported)
        sent = f"'{received[:100]}'" if received else "a body without Content-Type"
        super().__init__(f"Send {wanted}; this was {sent}.", headers={"Accept": wanted})


class RangeNotSatisfiable(ServiceError):
    """The resource has none of the bytes that are asked for (RFC 9110, 15.5.17)."""

    status = 416


class MisdirectedRequest(ServiceError):
    """The service does not answer for this host (RFC 9110, 15.5.20)."""

    status = 421


class UnprocessableContent(ServiceError):
    """A well-formed request, and all that is wrong with it (RFC 9110, 15.5.21).

    Args:
        faults: Each with its place in the request; or a sentence, which is the whole detail.
        detail: A sentence about all of them.
    """

    status = 422
    members: ClassVar[Mapping[str, Any]] = {"errors": {"type": "array", "items": FAULT_SCHEMA}}

    def __init__(self, faults: Sequence[Fault] | str, detail: str = "") -> None:
        detail = faults if isinstance(faults, str) else detail
        self.faults: tuple[Fault, ...] = () if isinstance(faults, str) else tuple(faults)
        count = len(self.faults)
        summary = detail or ("One value is not valid." if count == 1 else f"{count} values are not valid.")
        super().__init__(summary, errors=[fault.as_dict() for fault in self.faults])


class Locked(ServiceError):
    """Somebody else holds the resource just now (RFC 4918, 11.3)."""

    status = 423


class FailedDependency(ServiceError):
    """Something that this request builds on has failed (RFC 4918, 11.4)."""

    status = 424


class TooEarly(ServiceError):
    """The request might be a replay of early data (RFC 8470, 5.2)."""

    status = 425


class PreconditionRequired(ServiceError):
    """The request has to be conditional, such as with ``If-Match`` (RFC 6585, 3)."""

    status = 428


class TooManyRequests(ServiceError):
    """The client has to slow down (RFC 6585, 4).

    Args:
        retry_after_seconds: When it may come again.

    Raises:
        TypeError: A sentence stands where the seconds belong.
    """

    status = 429

    def __init__(self, retry_after_seconds: int, detail: str = "Too many requests.") -> None:
        if not isinstance(retry_after_seconds, int):
            raise TypeError(f"The first argument is a number of seconds: TooManyRequests(60, {detail!r}).")
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})


class UnavailableForLegalReasons(ServiceError):
    """A law or a court forbids the answer (RFC 7725, 3)."""

    status = 451


class BadGateway(ServiceError):
    """A service behind this one answered with nonsense (RFC 9110, 15.6.3)."""

    status = 502


class ServiceUnavailable(ServiceError):
    """The service cannot answer now (RFC 9110, 15.6.4).

    Args:
        retry_after_seconds: When the client may come again.
    """

    status = 503

    def __init__(self, detail: str = "", *, retry_after_seconds: Any = None, **extensions: Any) -> None:
        headers = {} if retry_after_seconds is None else {"Retry-After": str(retry_after_seconds)}
        super().__init__(detail, headers=headers, **extensions)


class GatewayTimeout(ServiceError):
    """A service behind this one did not answer in time (RFC 9110, 15.6.5)."""

    status = 504


class InsufficientStorage(ServiceError):
    """There is no room for what the request brings (RFC 4918, 11.5)."""

    status = 507
