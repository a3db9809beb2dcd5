"""A receiver of signed webhooks, which works on each event once."""

import hashlib
import hmac
import logging
import re
import time
from dataclasses import dataclass
from typing import Annotated, Literal

from aiohttp import web
from marshmallow.validate import Length

from framework import (
    Principal,
    Result,
    RouteTableDef,
    Secret,
    ServiceSettings,
    Tasks,
    accepted,
    create_app,
    provide,
    replaced,
    requires,
    standard,
)
from framework.batteries import auth
from framework.batteries.auth import header

MAX_AGE_SECONDS = 300

routes = RouteTableDef(tags=["webhooks"])
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """What the sender and we know."""

    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ServiceSettings):
    """The framework's settings and ours."""

    webhooks: WebhookSettings


@dataclass
class Event:
    """Something that happened elsewhere."""

    id: Annotated[str, Length(1, 100)]
    type: Literal["invoice.paid", "invoice.refused"]
    invoice: int


@dataclass
class Receipt:
    """What becomes of an event."""

    id: str
    repeated: bool


class Ledger:
    """The events that were taken; in a real service a table with a unique key."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.paid: list[int] = []

    def take(self, event: Event) -> bool:
        """Keep an event; False if it is there already."""
        return self.events.setdefault(event.id, event) is event

    async def work_on(self, event: Event) -> None:
        if event.type == "invoice.paid":
            self.paid.append(event.invoice)
        log.info("event", extra={"event_id": event.id})


def signature_of(secret: Secret, timestamp: int, body: bytes) -> str:
    """Return how a body is signed at a time, in seconds since the epoch."""
    signed = hmac.new(secret.reveal().encode(), b"%d." % timestamp + body, hashlib.sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"


async def verify(signature: str, request: web.Request, settings: WebhookSettings) -> Principal | None:
    """Tell who signed the request."""
    found = re.fullmatch(r"t=([0-9]{1,12}),v1=[0-9a-f]{64}", signature)
    if found is None or abs(time.time() - int(found[1])) > MAX_AGE_SECONDS:
        return None
    right = signature_of(settings.secret, int(found[1]), await request.read())
    known = hmac.compare_digest(right, signature)
    return Principal(subject="billing", scopes=frozenset({"events:write"})) if known else None


@routes.post("/events", status=202)
@requires("events:write")
async def receive(body: Event, ledger: Ledger, tasks: Tasks) -> Result[Receipt]:
    """Take an event; it is worked on once, however often it is sent."""
    new = ledger.take(body)
    if new:
        tasks.start(ledger.work_on(body), name=f"event {body.id}")
    return accepted(Receipt(body.id, repeated=not new))


def build(settings: Settings, ledger: Ledger | None = None) -> web.Application:
    """Make the service."""
    signed = auth.battery(
        settings.auth, profile=settings.profile, credentials=[header("X-Signature", verify)]
    )
    batteries = [
        *replaced(standard(settings), signed),
        provide(ledger or Ledger(), {WebhookSettings: settings.webhooks}),
    ]
    return create_app(settings, routes=[routes], batteries=batteries)
