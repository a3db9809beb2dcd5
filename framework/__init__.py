"""A REST microservice framework on aiohttp, batteries included."""

from framework.app import ServiceSettings, create_app, standard
from framework.battery import Battery
from framework.endpoint import Endpoint, Mark
from framework.errors import (
    BadGateway,
    BadRequest,
    ConfigurationError,
    Conflict,
    ContentTooLarge,
    Fault,
    Forbidden,
    Gone,
    NotFound,
    PreconditionFailed,
    Problem,
    ServiceError,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
    UnprocessableContent,
)
from framework.forms import Form, UploadedFile
from framework.marks import public, requires
from framework.principal import Principal
from framework.responses import Result, accepted, created, file, redirect, stream
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
    "Endpoint",
    "Fault",
    "Forbidden",
    "Form",
    "Gone",
    "Mark",
    "NotFound",
    "Partial",
    "PreconditionFailed",
    "Principal",
    "Problem",
    "Profile",
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
    "UploadedFile",
    "accepted",
    "conventions",
    "create_app",
    "created",
    "file",
    "provide",
    "public",
    "redirect",
    "requires",
    "run",
    "standard",
    "stream",
]
