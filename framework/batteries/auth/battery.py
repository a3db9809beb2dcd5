"""The battery of authentication."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from framework.batteries.auth.credentials import Credential
from framework.batteries.auth.identification import Check, Identification
from framework.batteries.auth.issuers import GivenKeys, IssuerKeys, TrustedIssuer, ensure_distinct
from framework.batteries.auth.passwords import Passwords
from framework.batteries.auth.policy import Guards, ensure_policies, statuses
from framework.batteries.auth.provider import Fetch, ProviderKeys, fetch
from framework.batteries.auth.settings import AuthSettings
from framework.batteries.auth.stores import MemoryRevocations, MemoryTokenStore, Revocations, TokenStore
from framework.batteries.auth.tokens import Tokens
from framework.battery import Battery, Lifespan, Middleware, Plan
from framework.battery import Check as Ready
from framework.context import CHALLENGES, CREDENTIAL_COOKIES, PRINCIPAL, REGISTRY, SECURITY_SCHEMES
from framework.endpoint import Endpoint, Provide
from framework.errors import ConfigurationError, ServiceUnavailable, Unauthorized
from framework.principal import Principal
from framework.secrets import Profile
from framework.tasks import running


def battery(
    settings: AuthSettings,
    *,
    profile: Profile = Profile.production,
    revocations: Revocations | None = None,
    fetch_keys: Fetch = fetch,
    issuers: Sequence[TrustedIssuer] = (),
    credentials: Sequence[Credential] = (),
    known: Check | None = None,
) -> Battery:
    """Return the battery that knows callers by their credentials, and lets them call what they may.

    Args:
        settings: Keys, lifetimes and so on.
        profile: In production an endpoint that does not say who may call it is an error at start-up.
        revocations: Who remembers revoked tokens; this process alone when None.
        fetch_keys: What gets an identity provider's keys from their URL.
        issuers: Whose access tokens are taken besides one's own and those of ``settings.provider``.
        credentials: By what callers are known, in order: ``[header("X-API-Key", find_by_key), bearer()]``. Bearer
            tokens alone unless they are given. A session, where there are sessions, counts if there is none of these.
        known: ``(principal, services...) -> bool``, asynchronous or not: whether the caller is still there; asked at
            each request, after the credential is found good.

    Raises:
        ConfigurationError: Passwords are too cheap for production, or an issuer or credential does not fit.
    """
    _ensure_fit(settings, profile)
    remembered = MemoryRevocations() if revocations is None else revocations
    trusted = _issuer_keys(settings, issuers, fetch_keys)
    published = [keys for keys in trusted if isinstance(keys, ProviderKeys)]
    tokens = Tokens(settings, revocations=remembered, issuers=trusted)
    passwords = Passwords(settings.passwords)
    identification = Identification(tokens, credentials, known)
    guards = Guards(identification, profile, settings.sign_in_path)

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        if profile is Profile.production:
            ensure_policies(endpoints)
        registry = app[REGISTRY]
        registry.register_value(Tokens, tokens)
        registry.register_value(Passwords, passwords)
        registry.register_value(Revocations, remembered)
        if TokenStore not in registry:
            registry.register_value(TokenStore, MemoryTokenStore())
        app[CHALLENGES] = ", ".join(identification.challenges)
        app[SECURITY_SCHEMES] = {each.name: each.described for each in identification.credentials}
        app[CREDENTIAL_COOKIES] = identification.cookies
        app.on_startup.append(ensure_provided)

    async def ensure_provided(app: web.Application) -> None:
        identification.ensure_provided(app[REGISTRY])

    return Battery(
        name="auth",
        after=frozenset({"problems", "cors", "sessions", "csrf"}),
        provides={Principal: Provide(PRINCIPAL, names=("principal",), absent=Unauthorized)},
        plan=_planning(tokens, guards),
        problems=statuses,
        setup=setup,
        lifespan=_keeping(published) if published else None,
        check=_checking(published) if published else None,
        keys={"AUTH_KEYS": settings.keys},
    )


def _planning(tokens: Tokens, guards: Guards) -> Plan:
    def plan(endpoint: Endpoint) -> Middleware | None:
        try:
            tokens.prepare()
        except ConfigurationError as error:
            raise ConfigurationError(f"AUTH_KEYS: {error}") from error
        return guards.plan(endpoint)

    return plan


def _issuer_keys(
    settings: AuthSettings, issuers: Sequence[TrustedIssuer], fetch_keys: Fetch
) -> tuple[IssuerKeys, ...]:
    trusted = [*([settings.provider] if settings.provider else []), *issuers]
    ensure_distinct(trusted, settings.issuer)
    return tuple(
        ProviderKeys(each, fetch_keys, time.monotonic) if each.jwks_url else GivenKeys(each)
        for each in trusted
    )


def _ensure_fit(settings: AuthSettings, profile: Profile) -> None:
    if profile is Profile.production and settings.passwords.weak:
        raise ConfigurationError(
            "AUTH_PASSWORDS_MEMORY_KIB and AUTH_PASSWORDS_PASSES are too low for production."
        )


def _keeping(published: Sequence[ProviderKeys]) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        await asyncio.gather(*(keys.refresh() for keys in published))
        async with AsyncExitStack() as stack:
            for keys in published:
                await stack.enter_async_context(running(keys.keep_fresh(), name="auth.provider"))
            yield

    return lifespan


def _checking(published: Sequence[ProviderKeys]) -> Ready:
    async def check(app: web.Application) -> None:
        absent = [keys.settings.issuer for keys in published if not keys.ready]
        if absent:
            raise ServiceUnavailable(f"The keys of {', '.join(absent)} are not there.")

    return check
