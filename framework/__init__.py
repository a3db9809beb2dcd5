"""A REST microservice framework on aiohttp, batteries included."""

from framework.app import ServiceSettings, create_app, standard
from framework.batteries.deadlines import deadline
from framework.batteries.deprecation import deprecated
from framework.batteries.overload import concurrency
from framework.batteries.ratelimits import Limiter, limit
from framework.batteries.templates import template
from framework.battery import Battery, inserted, replaced, without
from framework.endpoint import Cookie, Endpoint, Header, Mark, Provide
from framework.errors import (
    BadGateway,
    BadRequest,
    ConfigurationError,
    Conflict,
    ContentTooLarge,
    Forbidden,
    GatewayTimeout,
    Gone,
    MalformedBody,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    PreconditionFailed,
    RequestTimeout,
    ServiceError,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnprocessableContent,
    UnsupportedMediaType,
)
from framework.forms import Form, UploadedFile
from framework.marks import answers, authenticated, public, quiet, raises, requires, undocumented, unlimited
from framework.principal import Principal
from framework.problem import Fault, Problem
from framework.responses import Result, accepted, created, ensure_local, file, no_content, redirect, stream
from framework.routing import RouteTableDef
from framework.secrets import Profile, Secret
from framework.server import run
from framework.services import provide
from framework.tasks import Tasks
from framework.validation import Partial, conventions

__all__ = [
    "BadGateway",
    "BadRequest",
    "Battery",
    "ConfigurationError",
    "Conflict",
    "ContentTooLarge",
    "Cookie",
    "Endpoint",
    "Fault",
    "Forbidden",
    "Form",
    "GatewayTimeout",
    "Gone",
    "Header",
    "Limiter",
    "MalformedBody",
    "Mark",
    "MethodNotAllowed",
    "NotAcceptable",
    "NotFound",
    "Partial",
    "PreconditionFailed",
    "Principal",
    "Problem",
    "Profile",
    "Provide",
    "RequestTimeout",
    "Result",
    "RouteTableDef",
    "Secret",
    "ServiceError",
    "ServiceSettings",
    "ServiceUnavailable",
    "Tasks",
    "TooManyRequests",
    "Unauthorized",
    "UnprocessableContent",
    "UnsupportedMediaType",
    "UploadedFile",
    "accepted",
    "answers",
    "authenticated",
    "concurrency",
    "conventions",
    "create_app",
    "created",
    "deadline",
    "deprecated",
    "ensure_local",
    "file",
    "inserted",
    "limit",
    "no_content",
    "provide",
    "public",
    "quiet",
    "raises",
    "redirect",
    "replaced",
    "requires",
    "run",
    "standard",
    "stream",
    "template",
    "undocumented",
    "unlimited",
    "without",
]
