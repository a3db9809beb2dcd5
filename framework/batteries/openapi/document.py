"""The document: an operation for each endpoint."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from framework.batteries.openapi.answers import answers_of, is_socket
from framework.batteries.openapi.examples import examples_of, put_examples, without_examples
from framework.batteries.openapi.paths import Template, Templates
from framework.batteries.openapi.problems import Problems, Told, errors_of
from framework.batteries.openapi.requests import body_of, parameters_of
from framework.batteries.openapi.schemas import JSONSchema, Schemas, make_spec
from framework.endpoint import Endpoint, Renders, function_of
from framework.marks import Deprecated, Public, Requires, Undocumented
from framework.principal import Principal
from framework.problem import PROBLEM_DOCUMENT, Renderer

SESSION = "session"

_ANY_METHOD = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The parts of the document that endpoints do not say.

    Attributes:
        schemes: The security schemes by their names, as OpenAPI writes them.
        servers: The addresses of the service; where the document is if there are none.
        tags: What the groups of operations are, by their names.
        errors: How the service writes errors.
        told: What the service's batteries say of the errors of an endpoint, as `Battery.problems`.
    """

    title: str
    version: str
    description: str = ""
    schemes: Mapping[str, JSONSchema] = field(default_factory=dict)
    servers: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    errors: Renderer = PROBLEM_DOCUMENT
    told: Sequence[Told] = ()


def describe(endpoints: Iterable[Endpoint], about: About) -> dict[str, Any]:
    """Return the OpenAPI document of these endpoints.

    Raises:
        ConfigurationError: An example of an endpoint is none of what it reads or answers.
    """
    described = [endpoint for endpoint in endpoints if is_operation(endpoint)]
    options: dict[str, Any] = {"info": {"description": about.description}} if about.description else {}
    options["servers"] = [{"url": url} for url in about.servers or ("/",)]
    spec, schemas = make_spec(about.title, about.version, **options)
    for name, scheme in about.schemes.items():
        spec.components.security_scheme(name, dict(scheme))
    for tag in tags_of(described, about.tags):
        spec.tag(tag)
    operations = _Operations(schemas, about, ids_of(described))
    for endpoint in described:
        operations.add(endpoint)
    for path, each in operations.paths.items():
        spec.path(path=path, operations=each)
    document: dict[str, Any] = spec.to_dict()
    return document


def is_operation(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint is an operation: no page, no WebSocket, and nothing that is undocumented."""
    is_left_out = endpoint.find(Undocumented) is not None or endpoint.find(Renders) is not None
    return not is_left_out and not is_socket(endpoint)


def tags_of(endpoints: Iterable[Endpoint], described: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the tags that endpoints have, in the order in which they come up first."""
    names = dict.fromkeys(tag for endpoint in endpoints for tag in endpoint.options.tags)
    return [
        {"name": name, **({"description": described[name]} if name in described else {})} for name in names
    ]


def methods_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the methods of an endpoint's operations."""
    return _ANY_METHOD if endpoint.method == "*" else (endpoint.method.lower(),)


def ids_of(endpoints: Sequence[Endpoint]) -> dict[tuple[int, str], str]:
    """Return the ids of operations, by endpoint and method.

    They are the names of the handlers. Where several have one name, each gets its method and path behind it: so an id
    depends on no order, and stays when endpoints are added.
    """
    wanted: dict[tuple[int, str], str] = {}
    paths = {id(endpoint): endpoint.path for endpoint in endpoints}
    for endpoint in endpoints:
        for method in methods_of(endpoint):
            name = str(endpoint.options.name or getattr(function_of(endpoint.handler), "__name__", method))
            several = endpoint.method == "*" or inspect.isclass(endpoint.handler)
            wanted[id(endpoint), method] = f"{name}_{method}" if several else name
    taken = Counter(wanted.values())
    return {
        (number, method): name if taken[name] == 1 else f"{name}_{method}_{_words(paths[number])}"
        for (number, method), name in wanted.items()
    }


def _words(path: str) -> str:
    """Return a path's letters and digits; what stands in for the others keeps paths apart that differ by them alone."""
    return "".join(each if each.isascii() and each.isalnum() else "_" for each in path.strip("/")) or "root"


class _Operations:
    """What the endpoints do, path by path."""

    def __init__(self, schemas: Schemas, about: About, ids: Mapping[tuple[int, str], str]) -> None:
        self.paths: dict[str, dict[str, Any]] = {}
        self._schemas = schemas
        self._about = about
        self._ids = ids
        self._templates = Templates()
        self._problems = Problems(schemas, about.errors)

    def add(self, endpoint: Endpoint) -> None:
        """Describe an endpoint's operations."""
        template = self._templates.template(endpoint.path)
        for method in methods_of(endpoint):
            # The first one that fits answers; a second one of the same shape differs by its pattern alone.
            self.paths.setdefault(template.path, {}).setdefault(
                method, self._operation(endpoint, template, method)
            )

    def _operation(self, endpoint: Endpoint, template: Template, method: str) -> dict[str, Any]:
        summary, description = texts(endpoint)
        operation: dict[str, Any] = {
            "operationId": self._ids[id(endpoint), method],
            "summary": summary,
            "description": description,
            "tags": list(endpoint.options.tags),
            "parameters": parameters_of(endpoint, template, self._schemas),
            "requestBody": body_of(endpoint, self._schemas),
            "responses": {
                **answers_of(endpoint, self._schemas),
                **self._problems.responses(errors_of(endpoint, self._about.told)),
            },
            "deprecated": _is_deprecated(endpoint),
        }
        put_examples(operation, examples_of(endpoint))
        kept = {name: value for name, value in operation.items() if value}
        security = requirements(endpoint, tuple(self._about.schemes))
        return kept if security is None else {**kept, "security": security}


def texts(endpoint: Endpoint) -> tuple[str, str]:
    """Return an endpoint's summary and description: the first line of its docstring, and the rest without examples."""
    text, handler = endpoint.description, endpoint.handler
    if inspect.isclass(handler):
        text = inspect.getdoc(getattr(handler, endpoint.method.lower(), handler)) or ""
    first, _, rest = text.partition("\n")
    return endpoint.options.summary or first.strip().removesuffix("."), without_examples(rest)


def requirements(endpoint: Endpoint, schemes: Sequence[str]) -> list[dict[str, list[str]]] | None:
    """Return who may call an endpoint, as alternatives; an empty list says anybody, None says nothing."""
    if not schemes:
        return None
    if endpoint.find(Public) is not None:
        # Whoever is known may be shown more.
        takes = endpoint.takes(Principal)
        return _alternatives(("", *schemes) if takes else (), [])
    scopes = sorted({scope for mark in endpoint.marks if isinstance(mark, Requires) for scope in mark.scopes})
    return _alternatives(schemes, scopes)


def _alternatives(schemes: Sequence[str], scopes: list[str]) -> list[dict[str, list[str]]]:
    """Return one requirement for each scheme; an empty name stands for nobody in particular."""
    return [{name: scopes} if name else {} for name in schemes]


def _is_deprecated(endpoint: Endpoint) -> bool:
    """Tell whether a mark says so, or Python's own decorator (PEP 702)."""
    return (
        endpoint.find(Deprecated) is not None or getattr(endpoint.handler, "__deprecated__", None) is not None
    )
