"""The works: what is asked, what must be answered, and what must be refused, defined once for every server."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader

from benchmarks.data import ORIGIN, TEMPLATES, page_values, route_paths, rows
from benchmarks.samples import FORM, ORDER
from benchmarks.tokens import PEERS, STRANGER, Signer


@dataclass(frozen=True)
class Ask:
    """One request as the wire sees it."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None


@dataclass(frozen=True)
class Answer:
    """What a right answer looks like: its status, its body as `read` understands it, and headers that it must carry."""

    status: int
    body: Any
    read: Callable[[str], Any] = json.loads
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Refusal:
    """A request that a server doing the same checks turns down."""

    why: str
    ask: Ask
    statuses: frozenset[int]


@dataclass(frozen=True)
class Work:
    """One line of the comparison."""

    name: str
    title: str
    kind: str = "http"  # http: wrk; transfer, room, startup, idle: clients of our own
    asks: tuple[Ask, ...] = (Ask("GET", "/hello"),)
    answers: tuple[Answer, ...] = (Answer(200, {"message": "hello"}),)
    refusals: tuple[Refusal, ...] = ()
    logged: bool = False  # each request must leave one JSON access line with a request id
    baseline: str = "aiohttp"


JSON_TYPE = {"Content-Type": "application/json"}
BAD_INPUT = frozenset({400, 422})
DENIED = frozenset({401, 403})


def order_ask(bearer: str, **changed: Any) -> Ask:
    """Return the orders request with this token and with these fields of the document replaced."""
    headers = {
        **JSON_TYPE,
        "Origin": ORIGIN,
        "Authorization": f"Bearer {bearer}",
        "Accept": "application/json",
    }
    return Ask("POST", "/orders", headers, json.dumps({**ORDER, **changed}, separators=(",", ":")))


def _orders(signer: Signer) -> Work:
    now = int(time.time())
    item = ORDER["items"][0]
    wrong: dict[str, dict[str, Any]] = {
        "field of a wrong type": {"express": "perhaps"},
        "text outside its pattern": {"reference": "none"},
        "value not in its list": {"currency": "XXX"},
        "bad date": {"deliver_on": "2025-02-30"},
        "bad UUID": {"customer": {**ORDER["customer"], "id": "five"}},
        "bad e-mail": {"customer": {**ORDER["customer"], "email": "ada"}},
        "number out of range in the list": {"items": [{**item, "quantity": 0}]},
        "empty list": {"items": []},
        "unknown field": {"colour": "red"},
        "text too long": {"note": "x" * 501},
    }
    tokens = {
        "expired token": signer.token(exp=now - 3600),
        "token without exp": signer.token(exp=None),
        "token of another issuer": signer.token(iss="https://other.example"),
        "token for another audience": signer.token(aud="invoices"),
        "token signed with another key": replace(signer, key=STRANGER).token(),
    }
    good = signer.token()
    anonymous = replace(order_ask(good), headers={**JSON_TYPE, "Origin": ORIGIN})
    return Work(
        name="orders",
        title="POST /orders: JWT, CORS, access line, 40 validated fields",
        # Fifty callers: a cache of one token would not do.
        asks=tuple(order_ask(signer.token(f"caller-{n}")) for n in range(50)),
        answers=(Answer(201, ORDER, headers={"Access-Control-Allow-Origin": ORIGIN}),),
        refusals=(
            Refusal("no token", anonymous, DENIED),
            *(Refusal(why, order_ask(bad), DENIED) for why, bad in tokens.items()),
            *(Refusal(why, order_ask(good, **change), BAD_INPUT) for why, change in wrong.items()),
        ),
        logged=True,
        baseline="blacksheep",
    )


def _routes(count: int) -> Work:
    asks, answers = [], []
    for number, path in route_paths(count):
        asks.append(Ask("GET", path.format(tenant="acme", item=f"item-{number}")))
        answers.append(Answer(200, {"kind": number, "tenant": "acme", "item": f"item-{number}"}))
    # wrk walks through all of them, so the average route is measured and not the first.
    return Work(f"routes{count}", f"GET one of {count} routes", asks=tuple(asks), answers=tuple(answers))


def html_text(page: str) -> str:
    """Squeeze white space out of a page, which template settings are free to change; any escape of `'` is good."""
    return re.sub(r"\s+", " ", re.sub(r">\s+<", "><", page.replace("&#x27;", "&#39;"))).strip()


def _page() -> Work:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    expected = html_text(environment.get_template("rows.html").render(page_values()))
    answer = Answer(200, expected, read=html_text)
    return Work("page", "GET /page: a Jinja2 page of 20 rows", asks=(Ask("GET", "/page"),), answers=(answer,))


def _form() -> Work:
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    validated = {**FORM, "age": 36, "subscribed": True}
    return Work(
        name="form",
        title="POST /form: 5 validated fields, urlencoded",
        asks=(Ask("POST", "/form", kind, urlencode(FORM)),),
        answers=(Answer(201, validated),),
        refusals=(
            Refusal("bad e-mail", Ask("POST", "/form", kind, urlencode({**FORM, "email": "ada"})), BAD_INPUT),
            Refusal(
                "age out of range", Ask("POST", "/form", kind, urlencode({**FORM, "age": 151})), BAD_INPUT
            ),
        ),
    )


def _list() -> Work:
    expected = json.loads(json.dumps(rows(), default=str))
    return Work(
        name="list",
        title="GET /rows: 1,000 rows of objects serialised",
        asks=(Ask("GET", "/rows"),),
        answers=(Answer(200, expected),),
        baseline="composed",
    )


def all_works(signer: Signer = PEERS) -> dict[str, Work]:
    """Return every work by its name, in the order of the report, with tokens by this signer."""
    works = (
        Work("startup", "import, build, first answer", kind="startup"),
        Work("idle", "memory of an idle keep-alive connection", kind="idle"),
        Work("hello", "GET /hello: bare JSON"),
        _orders(signer),
        _list(),
        _routes(5),
        _routes(500),
        _page(),
        _form(),
        Work("upload", "PUT /upload: 1 GiB, streamed", kind="transfer"),
        Work("download", "GET /download: 1 GiB from a file", kind="transfer"),
        Work("room", "a WebSocket room", kind="room"),
    )
    return {work.name: work for work in works}
