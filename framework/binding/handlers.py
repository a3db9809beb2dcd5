"""An endpoint's request becomes arguments; what its handler returns becomes a response.

`bind` decides everything once: which readers an endpoint needs, with which compiled schemas, and how its result is
written. What it returns is an ordinary aiohttp handler.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractView

from framework.adapters.aiohttp.requests import find
from framework.annotations import strip
from framework.battery import Handler
from framework.binding.arguments import VALUES, ReadValues, values_reader
from framework.binding.bodies import ReadPayload, body_reader
from framework.binding.forms import close_files, form_reader
from framework.binding.provided import instead, is_synchronous, taker
from framework.binding.results import renderer_for, writer_for
from framework.binding.schemas import fallback
from framework.context import FORM, services
from framework.endpoint import Endpoint, Parameter, Source
from framework.errors import ConfigurationError, UnprocessableContent
from framework.forms import FormLimits
from framework.problem import Fault

_PAYLOADS = (Source.BODY, Source.FORM)
_BOUND = "__endpoint_is_bound__"


def bind(endpoint: Endpoint, limits: FormLimits | None = None) -> Handler:
    """Return an aiohttp handler that reads the arguments, calls the endpoint's handler and writes its result.

    Raises:
        ConfigurationError: A type is none that can be read or written; the message names file, handler and parameter.
    """
    handler: Any = endpoint.handler
    if isinstance(handler, type) and issubclass(handler, AbstractView):
        if getattr(handler, "__await__", None) is not web.View.__await__:
            return _bind_view(handler)
        endpoint = replace(endpoint, handler=_calling(handler, endpoint.method.lower()))
    if [parameter.source for parameter in endpoint.parameters] == [Source.REQUEST]:
        return _named_after(handler, _bind_plain(endpoint))
    handler = _by_name(endpoint)
    validated = _validated(endpoint, limits or FormLimits())
    further = _further(endpoint)
    write, render = writer_for(endpoint), renderer_for(endpoint)

    async def invoke(request: web.Request) -> web.StreamResponse:
        arguments: Any = {} if validated is None else validated(request)
        if type(arguments) is not dict:
            arguments = await arguments
        if further is not None:
            await further(request, arguments)
        result = await handler(**arguments)
        return write(result) if render is None else await render(request, result)

    async def invoke_alone(request: web.Request) -> web.StreamResponse:
        return write(await handler())  # PERF: nothing is unpacked

    takes_nothing = not endpoint.parameters and render is None
    bound = _closing_files(invoke) if endpoint.parameter(Source.FORM) else invoke
    return _named_after(endpoint.handler, invoke_alone if takes_nothing else bound)


def _further(endpoint: Endpoint) -> Callable[[web.Request, dict[str, Any]], Awaitable[None]] | None:
    """Return what adds the arguments that are no parts of a request; None if the endpoint takes none."""
    parameters = [each for each in endpoint.parameters if each.source not in {*VALUES, *_PAYLOADS}]
    brought = {each.name: each.provide for each in parameters if each.provide is not None}
    fallbacks = {each.name: fallback(each) for each in parameters}
    kept = {
        name: (provide.make, instead(provide, fallbacks[name]))
        for name, provide in brought.items()
        if isinstance(provide.make, web.RequestKey)
    }
    made = {name: provide for name, provide in brought.items() if name not in kept}
    takes = {name: taker(each, fallbacks[name]) for name, each in made.items() if is_synchronous(each)}
    fetches = {name: taker(each, fallbacks[name]) for name, each in made.items() if name not in takes}
    requests = [each.name for each in parameters if each.source is Source.REQUEST]
    kinds = {each.name: strip(each.annotation).kind for each in parameters if each.source is Source.SERVICE}

    async def further(request: web.Request, arguments: dict[str, Any]) -> None:
        for name in requests:
            arguments[name] = request
        for name, (key, missing) in kept.items():
            value = find(request, key)
            arguments[name] = missing() if value is None else value
        for name, take in takes.items():
            arguments[name] = take(request)
        for name, fetch in fetches.items():
            arguments[name] = await fetch(request)
        for name, kind in kinds.items():
            arguments[name] = await services(request).aget_abstract(kind)

    return further if parameters else None


def _by_name(endpoint: Endpoint) -> Any:
    """Return the handler so that all of its arguments can be given by name: ``def handler(x: int, /)`` takes none."""
    handler = endpoint.handler
    names = [parameter.name for parameter in endpoint.parameters if parameter.by_position]
    if not names:
        return handler

    def call(**arguments: Any) -> Awaitable[Any]:
        return handler(*[arguments.pop(name) for name in names], **arguments)

    return call


def _bind_plain(endpoint: Endpoint) -> Handler:
    """Call a handler that takes the request alone as aiohttp does: decorators made for it pass nothing by name."""
    handler, write, render = endpoint.handler, writer_for(endpoint), renderer_for(endpoint)

    async def invoke(request: web.Request) -> web.StreamResponse:
        result = await handler(request)
        return write(result) if render is None else await render(request, result)

    return invoke


def _validated(endpoint: Endpoint, limits: FormLimits) -> ReadPayload | None:
    """Return what reads every part of a request that is validated, and reports all its faults at once.

    None if the endpoint takes no such part.
    """
    readers = [values_reader(endpoint, source) for source in VALUES]
    values = tuple(reader for reader in readers if reader is not None)
    payload = _payload(endpoint, limits)
    if not values:
        return payload

    def read_values(request: web.Request) -> dict[str, Any]:
        arguments, faults = _values(request, values)
        if faults:
            raise UnprocessableContent(faults)
        return arguments

    return read_values if payload is None else _with_payload(values, payload)


def _values(request: web.Request, readers: Sequence[ReadValues]) -> tuple[dict[str, Any], list[Fault]]:
    """Read what is at hand with the head; return the arguments, and what is wrong."""
    arguments: dict[str, Any] = {}
    faults: list[Fault] = []
    for read in readers:
        try:
            arguments.update(read(request))
        except UnprocessableContent as error:
            faults += error.faults
    return arguments, faults


def _with_payload(values: Sequence[ReadValues], payload: ReadPayload) -> ReadPayload:
    async def read(request: web.Request) -> dict[str, Any]:
        arguments, faults = _values(request, values)
        try:
            read = payload(request)
            arguments.update(read if isinstance(read, dict) else await read)
        except UnprocessableContent as error:
            faults += error.faults
        if faults:
            raise UnprocessableContent(faults)
        return arguments

    return read


def _payload(endpoint: Endpoint, limits: FormLimits) -> ReadPayload | None:
    parameters: list[Parameter] = [p for p in endpoint.parameters if p.source in _PAYLOADS]
    if len(parameters) > 1:
        raise ConfigurationError(f"{endpoint}: a request has one body; take either 'body' or 'form'.")
    if not parameters:
        return None
    if parameters[0].source is Source.FORM:
        return form_reader(endpoint, parameters[0], limits)
    return body_reader(endpoint, parameters[0])


def _closing_files(invoke: Handler) -> Handler:
    async def closing(request: web.Request) -> web.StreamResponse:
        try:
            return await invoke(request)
        finally:
            if FORM in request:
                close_files(request[FORM].values())

    return closing


def _calling(view: type[AbstractView], method: str) -> Any:
    """Return what makes a view of the request and calls one of its methods."""

    async def call(request: web.Request, /, **arguments: Any) -> Any:
        return await getattr(view(request), method)(**arguments)

    return functools.update_wrapper(
        call, view, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=()
    )


def _bind_view(view: type[AbstractView]) -> Handler:
    async def invoke(request: web.Request) -> web.StreamResponse:
        return await view(request)

    return _named_after(view, invoke)


def _named_after(handler: Any, bound: Handler) -> Handler:
    vars(bound)[_BOUND] = True
    return functools.update_wrapper(
        bound, handler, assigned=("__module__", "__name__", "__qualname__", "__doc__"), updated=()
    )


def is_bound(handler: Any) -> bool:
    """Tell whether a handler is what `bind` has made of another one."""
    return _BOUND in getattr(handler, "__dict__", ())
