"""The battery of authentication."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from framework.adapters.aiohttp.requests import find
from framework.batteries.auth.passwords import Passwords
from framework.batteries.auth.policy import Guards, ensure_policies
from framework.batteries.auth.provider import Fetch, ProviderKeys, fetch
from framework.batteries.auth.settings import AuthSettings
from framework.batteries.auth.stores import MemoryRevocations, MemoryTokenStore, Revocations, TokenStore
from framework.batteries.auth.tokens import Tokens
from framework.battery import Battery, Check, Lifespan
from framework.context import PRINCIPAL, REGISTRY
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
) -> Battery:
    """Return the battery that knows callers by bearer token or session, and lets them call what they may.

    Args:
        settings: Keys, lifetimes and so on.
        profile: In production an endpoint that does not say who may call it is an error at start-up.
        revocations: Who remembers revoked tokens; this process alone when None.
        fetch_keys: What gets an identity provider's keys from their URL.

    Raises:
        ConfigurationError: There is no key, or no good one.
    """
    _ensure_fit(settings, profile)
    remembered = MemoryRevocations() if revocations is None else revocations
    provider = ProviderKeys(settings.provider, fetch_keys, time.monotonic) if settings.provider else None
    tokens = Tokens(settings, revocations=remembered, provider=provider)
    passwords = Passwords(settings.passwords)

    def setup(app: web.Application, endpoints: Sequence[Endpoint]) -> None:
        if profile is Profile.production:
            ensure_policies(endpoints)
        registry = app[REGISTRY]
        registry.register_value(Tokens, tokens)
        registry.register_value(Passwords, passwords)
        registry.register_value(Revocations, remembered)
        if TokenStore not in registry:
            registry.register_value(TokenStore, MemoryTokenStore())

    return Battery(
        name="auth",
        after=frozenset({"problems", "cors", "sessions", "csrf"}),
        provides={Principal: Provide(_principal, names=("principal",), absent=Unauthorized)},
        plan=Guards(tokens, profile, settings.sign_in_path).plan,
        setup=setup,
        lifespan=_keeping(provider) if provider else None,
        check=_checking(provider) if provider else None,
    )


def _principal(request: web.Request) -> Principal | None:
    return find(request, PRINCIPAL)


def _ensure_fit(settings: AuthSettings, profile: Profile) -> None:
    if not settings.keys:
        raise ConfigurationError("AUTH_KEYS is not set: tokens cannot be signed or verified.")
    if profile is Profile.production and settings.passwords.weak:
        raise ConfigurationError(
            "AUTH_PASSWORDS_MEMORY_KIB and AUTH_PASSWORDS_PASSES are too low for production."
        )


def _keeping(provider: ProviderKeys) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: web.Application) -> AsyncIterator[None]:
        await provider.refresh()
        async with running(provider.keep_fresh(), name="auth.provider"):
            yield

    return lifespan


def _checking(provider: ProviderKeys) -> Check:
    async def check(app: web.Application) -> None:
        if not provider.ready:
            raise ServiceUnavailable("The keys of the identity provider are not there.")

    return check
