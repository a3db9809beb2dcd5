"""Who takes part, and in what. Adding a peer is one module in `peers/` and one line here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.environment import OWN as OWN_ENVIRONMENT
from benchmarks.environment import PEERS

OWN = "batteries"


@dataclass(frozen=True)
class Server:
    """A server's name in the report, the module that serves it, and the works that it can do."""

    name: str
    module: str
    works: frozenset[str]
    says: str
    environment: Path = PEERS


SMALL = frozenset({"startup", "idle", "hello", "routes5", "routes500"})
BIG = frozenset({"upload", "download"})
DATA = frozenset({"orders", "list", "page", "form"})

_SERVERS = (
    Server(
        OWN,
        "benchmarks.service",
        SMALL | BIG | DATA | {"room"},
        "this project, the whole standard stack on",
        OWN_ENVIRONMENT,
    ),
    Server(
        "floor",
        "benchmarks.peers.floor",
        frozenset({"hello", "orders", "list"}),
        "aiohttp with ready bytes and no checks",
        OWN_ENVIRONMENT,
    ),
    Server(
        "aiohttp",
        "benchmarks.peers.bare",
        SMALL | BIG | {"list", "page", "form", "room"},
        "bare aiohttp",
        OWN_ENVIRONMENT,
    ),
    Server(
        "composed",
        "benchmarks.peers.composed",
        DATA | {"hello"},
        "aiohttp composed by hand from tutorials",
        OWN_ENVIRONMENT,
    ),
    Server("fastapi", "benchmarks.peers.fastapi_app", SMALL | BIG | DATA | {"room"}, "on uvicorn"),
    Server("litestar", "benchmarks.peers.litestar_app", SMALL | BIG | DATA | {"room"}, "msgspec, on uvicorn"),
    Server(
        "blacksheep", "benchmarks.peers.blacksheep_app", SMALL | BIG | DATA | {"room"}, "msgspec, on uvicorn"
    ),
    Server("sanic", "benchmarks.peers.sanic_app", SMALL | BIG | DATA | {"room"}, "msgspec"),
    Server(
        "starlette", "benchmarks.peers.starlette_app", SMALL | BIG | {"list", "page", "room"}, "on uvicorn"
    ),
    Server("falcon", "benchmarks.peers.falcon_app", SMALL | BIG | {"list"}, "msgspec, on uvicorn"),
)


def all_servers(environment: Path | None = None) -> dict[str, Server]:
    """Return every server by its name, ours first; all of them in one virtual environment if one is given."""
    servers = (replace(server, environment=environment or server.environment) for server in _SERVERS)
    return {server.name: server for server in servers}
