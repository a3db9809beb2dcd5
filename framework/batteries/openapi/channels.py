"""The AsyncAPI document: a channel for each WebSocket, beside the OpenAPI document, which has no word for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from framework.annotations import strip
from framework.batteries.openapi.answers import is_socket
from framework.batteries.openapi.document import About, ids_of, texts
from framework.batteries.openapi.paths import Templates
from framework.batteries.openapi.schemas import JSONSchema, Schemas, make_spec
from framework.endpoint import Endpoint, Mark
from framework.marks import Undocumented

_VERSION = "3.0.0"


@dataclass(frozen=True, slots=True)
class Messages(Mark):
    """A promise of the messages of a WebSocket, each by its type: what the service receives, and what it sends."""

    received: tuple[Any, ...] = ()
    sent: tuple[Any, ...] = ()


def messages(*, received: Sequence[Any] = (), sent: Sequence[Any] = ()) -> Messages:
    """Name what goes over a WebSocket: ``@messages(received=[Say], sent=[Said, Refused])``."""
    return Messages(tuple(received), tuple(sent))


def describe_channels(endpoints: Iterable[Endpoint], about: About) -> dict[str, Any]:
    """Return the AsyncAPI document of these endpoints' sockets; what receives and sends in it is the service."""
    sockets = [each for each in endpoints if is_socket(each) and each.find(Undocumented) is None]
    spec, schemas = make_spec(about.title, about.version)
    channels = _Channels(schemas)
    names, templates = ids_of(sockets), Templates()
    for endpoint in sockets:
        template = templates.template(endpoint.path)
        name = names[id(endpoint), endpoint.method.lower() if endpoint.method != "*" else "get"]
        channels.add(name, template.path, list(template.names.values()), endpoint)
    info = {"title": about.title, "version": about.version}
    described = {
        "schemas": spec.to_dict().get("components", {}).get("schemas", {}),
        "messages": channels.messages,
    }
    return {
        "asyncapi": _VERSION,
        "info": {**info, **({"description": about.description} if about.description else {})},
        "defaultContentType": "application/json",
        "channels": channels.channels,
        "operations": channels.operations,
        "components": {name: each for name, each in described.items() if each},
    }


class _Channels:
    """What is said on the sockets, one by one."""

    def __init__(self, schemas: Schemas) -> None:
        self.channels: dict[str, JSONSchema] = {}
        self.operations: dict[str, JSONSchema] = {}
        self.messages: dict[str, JSONSchema] = {}
        self._schemas = schemas

    def add(self, name: str, path: str, parameters: Sequence[str], endpoint: Endpoint) -> None:
        """Describe a socket."""
        mark = endpoint.find(Messages) or Messages()
        summary, description = texts(endpoint)
        said = {"receive": self._named(mark.received, endpoint), "send": self._named(mark.sent, endpoint)}
        channel: JSONSchema = {
            "address": path,
            "title": summary,
            "description": description,
            "parameters": {each: {} for each in parameters},
            "messages": {
                each: {"$ref": f"#/components/messages/{each}"} for names in said.values() for each in names
            },
            "bindings": {"ws": {"method": "GET"}},
        }
        self.channels[name] = {key: value for key, value in channel.items() if value}
        for action, names in said.items():
            if names:
                self.operations[f"{name}_{action}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{name}"},
                    "messages": [{"$ref": f"#/channels/{name}/messages/{each}"} for each in names],
                }

    def _named(self, kinds: Sequence[Any], endpoint: Endpoint) -> list[str]:
        return [
            self._message(kind, self._schemas.of(kind, conventions=endpoint.options.conventions))
            for kind in kinds
        ]

    def _message(self, kind: Any, payload: Mapping[str, Any]) -> str:
        reference = str(payload.get("$ref", ""))
        name = reference.rpartition("/")[2] or getattr(strip(kind).kind, "__name__", "Message")
        self.messages.setdefault(name, {"name": name, "payload": dict(payload)})
        return name
