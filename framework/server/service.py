"""What a server knows of the application that it serves: one record, made when the application has started."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

from framework.forms import FormLimits
from framework.problem import Problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refuse = Callable[[web.BaseRequest, Problem], web.Response]
Release = Callable[[web.Request], Awaitable[None] | None]
Prepare = Callable[[web.Request, web.StreamResponse], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """An application as its connections see it.

    Attributes:
        handler: Responds to a request that passed the checks of its head.
        refuse: Turns a problem with a request that no handler sees into a response.
        release: Gives up what a request holds when its handler has returned; an awaitable if that takes a wait.
        prepare: Stands in for the signal ``on_response_prepare`` at a short response; returns an awaitable if that
            takes a wait. None to leave all to the signal. Not asked for requests of sub-applications.
        max_body: The bytes of a body that a request reads.
        max_fields: The fields of a form that a request reads.
        form: The other bounds of a form.
    """

    handler: Handler
    refuse: Refuse
    release: Release
    prepare: Prepare | None
    max_body: int
    max_fields: int
    form: FormLimits = field(default_factory=FormLimits)


ReadService = Callable[[web.Application], Service]

#: Makes the record of an application; called once, behind everything else that runs at start-up.
SERVICE: Final[web.AppKey[ReadService]] = web.AppKey("framework.server.service")
