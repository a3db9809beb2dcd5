"""A session as a handler sees it, and the words for changing whose it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from aiohttp_session import Session

from framework.context import SESSION_CSRF, SESSION_GENERATION, SESSION_SCOPES, SESSION_SUBJECT
from framework.principal import Principal


class Record(NamedTuple):
    """A session as it is stored.

    Attributes:
        started: When it began, in seconds since 1970; the absolute lifetime counts from here.
        renewed: When it was last written; the idle time counts from here.
        values: What handlers put in.
    """

    started: int
    renewed: int
    values: Mapping[str, Any]

    def encode(self) -> bytes:
        """Return the record as it is stored.

        Raises:
            TypeError: A value is none that JSON has.
        """
        return b"[%d,%d,%s]" % (self.started, self.renewed, encode_values(self.values))


def encode_values(values: Mapping[str, Any]) -> bytes:
    """Return a session's values as JSON.

    Raises:
        TypeError: A value is none that JSON has.
    """
    try:
        return json.dumps(values, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise TypeError(f"A session holds what JSON has, with texts as keys: {error}.") from error


def find_record(content: bytes) -> Record | None:
    """Return the record that these bytes are, None if they are something else."""
    try:
        started, renewed, values = json.loads(content)
    except (ValueError, TypeError):
        return None
    if type(started) is int and type(renewed) is int and isinstance(values, dict):
        return Record(started, renewed, values)
    return None


class StoredSession(Session):
    """aiohttp-session's session with values of its own, and the token by which the client knows it.

    Unlike its parent it has an age that writing does not renew, drops its id when it is invalidated, and sees
    changes deep inside its values.

    Attributes:
        token: What the cookie holds; None until the session is first stored.
        dead: Tokens that are no longer to open anything.
        started, renewed: As in `Record`.
        replaces: It stands in the place of the one whose token the client sent.
        ended: Another request has ended it meanwhile.
        fresh: This request began it or signed in to it: the end of an older token is no concern of it.
    """

    def __init__(
        self, *, now: int, token: str | None = None, record: Record | None = None, replaces: bool = False
    ) -> None:
        values = {} if record is None else dict(record.values)
        super().__init__(token, data=None, new=record is None)
        self._values = values
        self.token = token if record is not None else None
        self.dead: set[str] = set()
        self.started, self.renewed = (now, now) if record is None else (record.started, record.renewed)
        self.fresh = record is None
        self.replaces = replaces
        self.ended = False
        self._now = now
        self._stored = (self.token, self.started, self.fresh, encode_values(values))

    @property
    def created(self) -> int:
        return self.started

    @property
    def empty(self) -> bool:
        return not self._values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    @property
    def owner(self) -> str:
        """Who has signed in; empty for a visitor."""
        return str(self._values.get(SESSION_SUBJECT, ""))

    @property
    def values_changed(self) -> bool:
        return encode_values(self._values) != self._stored[3]

    def record(self, now: int) -> Record:
        """Return what is to be stored."""
        return Record(self.started, now, self._values)

    def stored(self, token: str | None, now: int) -> None:
        """Note that what the session holds now is what is stored, under this token."""
        self.token, self.renewed = token, now
        self.dead = set()
        self._stored = (token, self.started, self.fresh, encode_values(self._values))

    def revert(self) -> None:
        """Go back to what was stored last."""
        self.token, self.started, self.fresh, values = self._stored
        self._values = json.loads(values)
        self.dead = set()

    def leave_token(self) -> None:
        """Take a new token when the session is stored next; the present one dies then."""
        if self.token is not None:
            self.dead.add(self.token)
        self.token = None

    def restart(self) -> None:
        """Begin a new absolute lifetime, under a new token."""
        self.leave_token()
        self.started = self._now
        self.fresh = True

    def end(self) -> None:
        """Leave a session alone that another request has ended meanwhile: it must not rise again."""
        self.ended = True

    def invalidate(self) -> None:
        """Forget everything; what is put in afterwards belongs to a new session."""
        self._values = {}
        self.restart()

    def __repr__(self) -> str:
        # NOTE: values stay out: they hold secrets, and this ends up in logs.
        return f"<Session keys={sorted(self._values)} started={self.started}>"


def sign_in(session: Session, principal: Principal) -> None:
    """Make the session this caller's, under a new id and with a new lifetime; the old id is dead at once.

    What an anonymous visitor put in stays; what another caller put in goes.
    """
    stored = _stored(session)
    if session.get(SESSION_SUBJECT, principal.subject) != principal.subject:
        stored.invalidate()
    stored.restart()
    session.pop(SESSION_CSRF, None)
    session[SESSION_SUBJECT] = principal.subject
    session[SESSION_SCOPES] = " ".join(sorted(principal.scopes))
    session[SESSION_GENERATION] = principal.generation


def rotate(session: Session) -> None:
    """Give the session a new id, as after a change of privileges; its values and its lifetime stay."""
    _stored(session).leave_token()
    session.pop(SESSION_CSRF, None)


def sign_out(session: Session) -> None:
    """Forget the session, in the store and in the browser."""
    _stored(session).invalidate()


def _stored(session: Session) -> StoredSession:
    if not isinstance(session, StoredSession):
        raise TypeError("This session is none of the sessions battery's; list sessions.battery(...).")
    return session
