"""Pages on which people register, sign in and sign out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp_session import Session

from app_example.texts import EmailAddress
from app_example.users.schemas import UserDraft
from app_example.users.store import UserStore
from framework import (
    Conflict,
    Form,
    Result,
    RouteTableDef,
    Unauthorized,
    ensure_local,
    public,
    redirect,
    template,
    undocumented,
)
from framework.batteries.auth import Passwords
from framework.batteries.sessions import sign_in, sign_out
from framework.batteries.templates import flash

routes = RouteTableDef(tags=["pages"])

Page = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SignIn:
    """The form of the sign-in page, and where one came from."""

    email: EmailAddress
    password: str = field(repr=False)
    next: str = "/"


@dataclass(frozen=True, slots=True)
class Next:
    """Where to go when signed in."""

    next: str = "/"


@routes.get("/register", name="register")
@public
@template("register.html")
async def show_registration() -> Page:
    """Ask for a name, an address and a password."""
    return {"form": None}


@routes.post("/register")
@public
@template("register.html")
async def register(
    form: Form[UserDraft], users: UserStore, passwords: Passwords, session: Session
) -> web.StreamResponse | Result[Page]:
    """Register, and be signed in at once."""
    if form.value is None:
        return Result({"form": form}, 422)
    draft = form.value
    try:
        user = await users.add(draft.name, draft.email, await passwords.hash(draft.password))
    except Conflict as error:
        return Result({"form": form.refused("email", error.detail)}, 409)
    sign_in(session, user.principal)
    flash(session, f"Welcome, {user.name}.", "success")
    return redirect("/")


@routes.get("/login", name="login")
@public
@template("login.html")
async def show_sign_in(query: Next) -> Page:
    """Ask for address and password."""
    return {"form": None, "next": query.next}


@routes.post("/login")
@public
@template("login.html")
async def log_in(
    form: Form[SignIn], users: UserStore, passwords: Passwords, session: Session
) -> web.StreamResponse | Result[Page]:
    """Sign in."""
    if form.value is None:
        return Result({"form": form, "next": form.data.get("next", "/")}, 422)
    try:
        user = await users.authenticate(form.value.email, form.value.password, passwords)
    except Unauthorized as error:
        # 401 would ask for credentials in a header (RFC 9110, 15.5.2).
        return Result({"form": form.refused("", error.detail), "next": form.value.next}, 422)
    sign_in(session, user.principal)
    return redirect(destination(form.value.next))


@routes.get("/logout", name="logout")
@public
@template("logout.html")
async def show_sign_out() -> Page:
    """Ask whether to sign out: a link alone must not do it."""
    return {}


@routes.post("/logout")
@undocumented
@public
async def log_out(session: Session) -> web.Response:
    """Sign out."""
    sign_out(session)
    return redirect("/")


def destination(wanted: str) -> str:
    """Return where to go, if that is a page of ours; the start otherwise."""
    try:
        return ensure_local(wanted)
    except ValueError:
        return "/"
